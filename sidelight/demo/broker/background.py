"""A broker that stays when the command that started it ends, found again by its folder."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from sidelight.demo.broker.jars import BrokerUnavailable
from sidelight.demo.broker.node import STOP_SECONDS, await_ready, server_command, server_log
from sidelight.demo.broker.properties import Listeners, NodeSettings, is_free


@dataclass(frozen=True)
class Running:
    """A broker found in its folder."""

    pid: int
    bootstrap: str


def start(folder: Path, port: int) -> Running:
    """Start it on `port` and the next one; return when it serves."""
    if (found := status(folder)) is not None:
        return found
    for wanted in (port, port + 1):
        if not is_free(wanted):
            raise BrokerUnavailable(f"port {wanted} is in use; choose another with --port")
    listeners = Listeners({"PLAINTEXT": port}, port + 1)
    command = server_command(folder, listeners, NodeSettings())
    with server_log(folder).open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        await_ready(process, folder, 0)
    except BaseException:
        process.kill()
        raise
    running = Running(process.pid, f"127.0.0.1:{port}")
    _note(folder).write_text(f"{running.pid} {running.bootstrap}\n")
    return running


def status(folder: Path) -> Running | None:
    """The folder's broker, None when none runs."""
    try:
        pid, bootstrap = _note(folder).read_text().split()
    except FileNotFoundError:
        return None
    return Running(int(pid), bootstrap) if _serves(int(pid), folder) else None


def stop(folder: Path) -> Running | None:
    """Stop the folder's broker with SIGTERM, then SIGKILL; None when none runs."""
    running = status(folder)
    if running is not None:
        os.kill(running.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while _serves(running.pid, folder):
            if time.monotonic() > deadline:
                os.kill(running.pid, signal.SIGKILL)
            time.sleep(0.1)
    return running


def _note(folder: Path) -> Path:
    return folder / "broker.txt"


def _serves(pid: int, folder: Path) -> bool:
    """Whether that process is this folder's broker: a process number is used again."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.fsencode(folder / "server.properties") in command
