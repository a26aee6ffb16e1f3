"""What the processes of a logger hold, read from the kernel."""

from __future__ import annotations

from pathlib import Path

from tests.logger.commanding import Logger


def resident_mib(pid: int) -> float:
    """Memory the process has now."""
    return _kib(pid, "VmRSS") / 1024


def peak_mib(pid: int) -> float:
    """The most it ever had."""
    return _kib(pid, "VmHWM") / 1024


def read_bytes(pid: int) -> int:
    """All that it has read from files and sockets."""
    [line] = [
        line
        for line in Path(f"/proc/{pid}/io").read_text().splitlines()
        if line.startswith("rchar")
    ]
    return int(line.split()[1])


def memory_of(logger: Logger, parts: tuple[str, ...]) -> dict[str, float]:
    return {part: round(resident_mib(logger.pid(part)), 1) for part in parts}


def _kib(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith(name)]
    return int(line.split()[1])
