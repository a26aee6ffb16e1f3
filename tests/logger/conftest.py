"""What many tests of the logger stand on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sidelight.log import Log, open_log
from tests.logger.proxy_running import DummyRecorder, ScriptedServer, dummy_recorder


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with closing(open_log(tmp_path / "log")) as opened:
        yield opened


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A model server that says what a test tells it to."""
    with closing(ScriptedServer()) as scripted:
        yield scripted


@pytest.fixture
def recorder() -> Iterator[DummyRecorder]:
    with dummy_recorder() as running:
        yield running
