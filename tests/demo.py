"""The demo as it stands after its summary: every service still serving."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
SECONDS = 600.0
"""For what a busy machine may take; nothing here is timed."""
STANDS = "Still serving"
START = """
import sys
from sidelight.command.main import main
from sidelight.demo.prepare import PORTS

PORTS.update(dict.fromkeys(PORTS, 0))
sys.argv = ["sidelight", "demo"]
main()
"""
"""On free ports: other tests run beside it and want the usual ones."""


@dataclass(frozen=True)
class Demo:
    """Where it stands and what it told."""

    folder: Path
    told: str

    @property
    def config(self) -> Path:
        return self.folder / "build" / "demo" / "sidelight.yaml"

    @property
    def dashboard(self) -> str:
        return self.url("dashboard")

    def url(self, service: str) -> str:
        """Of `logger` (its metrics), `detectors`, `explainers` or `dashboard`."""
        setting = "metrics" if service == "logger" else "listen"
        told = yaml.safe_load(self.config.read_text())
        return f"http://{told[service][setting]}"


@contextmanager
def standing(folder: Path) -> Iterator[Demo]:
    """The demo in a folder of its own; at the end it is stopped as Ctrl-C stops it."""
    (folder / "build").mkdir(parents=True)
    data = ROOT / "build" / "data"
    data.mkdir(parents=True, exist_ok=True)
    (folder / "build" / "data").symlink_to(data)
    output = folder / "output.txt"
    with output.open("w") as told:
        process = subprocess.Popen(
            [sys.executable, "-c", START],
            cwd=folder,
            stdout=told,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Demo(folder, _until_it_stands(process, output))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until_it_stands(process: subprocess.Popen[bytes], output: Path) -> str:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        told = output.read_text()
        if STANDS in told:
            return re.sub(r"\x1b\[[0-9;]*m", "", told)
        assert process.poll() is None, told
        time.sleep(0.2)
    raise AssertionError(f"not standing after {SECONDS} s:\n{output.read_text()}")
