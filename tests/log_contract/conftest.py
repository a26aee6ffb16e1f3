"""Gives each test of the contract every engine in turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sidelight.log import Log
from tests.log_contract.engines import ENGINES, LogEngine


@pytest.fixture(params=sorted(ENGINES))
def log_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LogEngine]:
    engine = ENGINES[request.param](tmp_path)
    yield engine
    engine.close()


@pytest.fixture
def log(log_engine: LogEngine) -> Log:
    return log_engine.open()


@pytest.fixture
def lasting_engine(log_engine: LogEngine) -> LogEngine:
    """An engine whose log outlives the process that writes it."""
    if not log_engine.lasting:
        pytest.skip("this engine keeps nothing beyond its process")
    return log_engine
