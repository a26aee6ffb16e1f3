"""Processes that a test starts, and that do not outlive it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_started: list[subprocess.Popen[str]] = []


def run(*arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments], cwd=_ROOT, stdout=subprocess.PIPE, text=True
    )
    _started.append(process)
    return process


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end_all() -> None:
    for process in _started:
        with process:
            process.kill()
    _started.clear()
