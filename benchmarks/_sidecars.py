"""Sidecars in front of one model server: ours, nginx, aiohttp's, KServe's agent."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import psutil
import uvloop
import yaml

ANSWER = b'{"model_name":"income","outputs":[]}'.ljust(1024)
SIDECAR_CORE, LOAD_CORE = 0, 1
_REST_SECONDS, _AT_REST = 0.5, 0.02
_spawning = multiprocessing.get_context("spawn")
_NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log stderr error;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_max_body_size 0; client_body_buffer_size 1m;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  keepalive_requests 1000000000;
  upstream model {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection "";
                  proxy_request_buffering off; }}
  }}
}}
"""


@dataclass(frozen=True)
class Sidecar:
    """Where it listens, and its processes by what they do."""

    port: int
    processes: Mapping[str, int] = field(default_factory=dict)

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time of each so far, once none of them has work left."""
        before = self._cpu_seconds()
        time.sleep(_REST_SECONDS)
        while sum((now := self._cpu_seconds()).values()) - sum(before.values()) > _AT_REST:
            before = now
            time.sleep(_REST_SECONDS)
        return now

    def _cpu_seconds(self) -> dict[str, float]:
        return {name: _cpu_seconds(pid) for name, pid in self.processes.items()}


class _Model(asyncio.Protocol):
    """A model server that costs next to nothing: reads a request whole, answers 1 KiB."""

    _HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1024\r\n\r\n"

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self._head = b""
        self._left = 0

    def data_received(self, data: bytes) -> None:
        while data:
            if not self._left:
                self._head += data
                head, blank, data = self._head.partition(b"\r\n\r\n")
                if not blank:
                    return
                self._head = b""
                _, _, rest = head.lower().partition(b"content-length:")
                self._left = int(rest.partition(b"\r\n")[0] or 0)
            taken = min(self._left, len(data))
            self._left -= taken
            data = data[taken:]
            if not self._left:
                self._transport.write(self._HEAD + ANSWER)


def _serve(listener: socket.socket) -> None:
    async def forever() -> None:
        await asyncio.get_running_loop().create_server(_Model, sock=listener)
        await asyncio.Event().wait()

    os.sched_setaffinity(0, {LOAD_CORE})
    uvloop.run(forever())


@contextlib.contextmanager
def model_server() -> Iterator[int]:
    """Its port."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        running = _spawning.Process(target=_serve, args=(listener,), daemon=True)
        running.start()
        try:
            yield listener.getsockname()[1]
        finally:
            running.kill()
            running.join()


@contextlib.contextmanager
def ours(upstream: int, folder: Path, **logger: Any) -> Iterator[Sidecar]:
    """`sidelight logger` with a local log, its processes on one core."""
    port, metrics = _free_port(), _free_port()
    settings = {
        "log": {"url": str(folder / "log"), "retain_bytes": 1 << 30},
        "logger": {
            "listen": f"127.0.0.1:{port}",
            "metrics": f"127.0.0.1:{metrics}",
            "upstream": f"http://127.0.0.1:{upstream}",
            **logger,
        },
    }
    (folder / "sidelight.yaml").write_text(yaml.safe_dump(settings))
    line = [sys.executable, "-m", "sidelight.command", "logger"]
    with _running([*line, "--config", str(folder / "sidelight.yaml")], port) as pid:
        deadline = time.monotonic() + 30
        while len(processes := _parts(pid)) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        yield Sidecar(port, processes)


@contextlib.contextmanager
def nginx(upstream: int, folder: Path) -> Iterator[Sidecar]:
    """One worker, connections to the model server kept."""
    port = _free_port()
    file = folder / "nginx.conf"
    file.write_text(_NGINX.format(folder=folder, port=port, upstream=upstream))
    with _running([shutil.which("nginx") or "nginx", "-c", str(file)], port) as pid:
        worker = psutil.Process(pid).children()[0].pid
        yield Sidecar(port, {"worker": worker})


@contextlib.contextmanager
def aiohttp(upstream: int, folder: Path) -> Iterator[Sidecar]:
    """The proxy one would write: aiohttp's server and client."""
    port = _free_port()
    line = [sys.executable, "-m", "benchmarks.peers.aiohttp_proxy", str(port), str(upstream)]
    with _running(line, port) as pid:
        yield Sidecar(port, {"proxy": pid})


@contextlib.contextmanager
def agent(upstream: int, folder: Path, binary: Path, sink: int) -> Iterator[Sidecar]:
    """KServe's agent; its events go to a server that takes all of them."""
    port = _free_port()
    line = [str(binary), "--port", str(port), "--component-port", str(upstream)]
    line += ["--log-url", f"http://127.0.0.1:{sink}/", "--log-mode", "all"]
    line += ["--inference-service", "income", "--namespace", "bench", "--component", "predictor"]
    probe = orjson.dumps({"tcpSocket": {"host": "127.0.0.1", "port": upstream}}).decode()
    with _running(line, port, SERVING_READINESS_PROBE=probe) as pid:
        yield Sidecar(port, {"agent": pid})


@contextlib.contextmanager
def _running(line: list[str], port: int, **environment: str) -> Iterator[int]:
    pinned = ["taskset", "-c", str(SIDECAR_CORE), *line]
    with Path(os.devnull).open("wb") as nowhere:
        child = subprocess.Popen(
            pinned, stdout=nowhere, stderr=nowhere, env=os.environ | environment
        )
    try:
        _wait_for(port)
        yield child.pid
    finally:
        child.terminate()
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _parts(pid: int) -> dict[str, int]:
    found = {}
    for child in psutil.Process(pid).children(recursive=True):
        line = " ".join(child.cmdline())
        for part in ("proxy", "recorder"):
            if f"sidelight_logger.{part}.process" in line:
                found[part] = child.pid
    return found


def _cpu_seconds(pid: int) -> float:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _wait_for(port: int, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port} after {seconds:g} s")
