"""KServe's own agent, built by `scripts/peer-agent`."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.logger.sinks import wait_until

AGENT = Path(__file__).resolve().parents[2] / "build" / "peers" / "kserve-agent" / "agent"


@contextmanager
def kserve_agent(folder: Path, probe: str, *flags: str) -> Iterator[int]:
    """The agent with these flags and this readiness probe; the port that clients call."""
    if not AGENT.exists():
        pytest.skip("KServe's agent is not here; build it with scripts/peer-agent")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    environ = {"SERVING_READINESS_PROBE": probe, "PATH": os.environ["PATH"]}
    line = [str(AGENT), "--port", str(port), *flags]
    with (folder / "agent.log").open("wb") as said:
        process = subprocess.Popen(line, env=environ, stdout=said, stderr=said)
    try:
        wait_until(lambda: _listens(port), "the agent")
        yield port
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
