"""Detectors of alibi-detect, tested where it is installed: `alibi_inside`, in its environment."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.peers import ROOT, peer_python

INSIDE = Path(__file__).parent / "alibi_inside"

PACKAGES = (ROOT, *(ROOT / room for room in ("logger", "detectors", "explainers")))


@pytest.mark.timeout(900)
def test_all_holds_where_alibi_detect_is_installed() -> None:
    """One process for all of them: importing alibi-detect takes longer than most."""
    python = peer_python("alibi-detect", seconds=700)
    found = subprocess.run(
        [
            *(python, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("-m", "not soak", "-o", "filterwarnings=default"),
            *sorted(INSIDE.glob("check_*.py")),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, PACKAGES))},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]
