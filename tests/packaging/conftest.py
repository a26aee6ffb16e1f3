from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging.environment import ROOT


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The distribution as users get it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*command, str(ROOT)], capture_output=True, check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that is gone after the test: an environment takes up to 0.8 GB."""
    with tempfile.TemporaryDirectory(prefix="sidelight-") as name:
        yield Path(name)
