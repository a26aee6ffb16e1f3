"""The proxy as a process: started on an inherited socket, stopped, killed, loaded, starved."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sidelight.upstreams import Upstream
from sidelight_logger.proxy.process import command
from sidelight_logger.proxy.settings import Limits, ProxySettings
from sidelight_logger.wire import tally
from sidelight_logger.wire.tally import ProxyStats
from tests.logger.proxy_asgi import uvicorn_server
from tests.logger.proxy_running import (
    PATIENCE_SECONDS,
    DummyRecorder,
    ScriptedServer,
    Wire,
    dummy_recorder,
    wait_until,
)

GET = b"GET /v2 HTTP/1.1\r\nHost: model\r\nX-Request-Id: 1\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LONG_GRACE = Limits(grace_seconds=PATIENCE_SECONDS)


class ProxyProcess:
    """A listening socket, and proxies that inherit it one after the other."""

    def __init__(
        self, port: int, recorder: Path | None = None, limits: Limits = LONG_GRACE
    ) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address: tuple[str, int] = self.listener.getsockname()
        fd = self.listener.fileno()
        settings = ProxySettings(Upstream("127.0.0.1", port), recorder, limits=limits)
        self._tally = tally.shared()
        self._cells = tally.mapped(self._tally)
        self._line = command(settings, f"http://127.0.0.1:{port}", fd, self._tally)
        self.child = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        self.child = subprocess.Popen(self._line, pass_fds=[self.listener.fileno(), self._tally])
        return self.child

    @property
    def stats(self) -> ProxyStats:
        return tally.read(self._cells)

    def connect(self) -> Wire:
        return Wire(socket.create_connection(self.address, timeout=PATIENCE_SECONDS))

    def close(self) -> None:
        self.child.kill()
        self.child.wait()
        self.listener.close()
        os.close(self._tally)


@contextlib.contextmanager
def proxy_process(
    port: int, recorder: Path | None = None, limits: Limits = LONG_GRACE
) -> Iterator[ProxyProcess]:
    running = ProxyProcess(port, recorder, limits)
    try:
        yield running
    finally:
        running.close()


def test_sigterm_ends_exchanges_in_flight_and_hands_them_over(server: ScriptedServer) -> None:
    with dummy_recorder() as recorder, proxy_process(server.port, recorder.path) as proxy:
        idle, busy = proxy.connect(), proxy.connect()
        idle.send(GET)
        upstream = server.accept()
        upstream.head()
        upstream.send(OK)
        idle.exactly(len(OK))
        busy.send(GET)
        upstream.head()
        proxy.child.send_signal(signal.SIGTERM)
        assert idle.rest() == b""
        upstream.send(OK)
        assert b"\r\nConnection: close\r\n" in busy.rest()
        assert proxy.child.wait(PATIENCE_SECONDS) == 0
        assert len(recorder.wait(2)) == 2
        idle.close()
        busy.close()


def test_after_the_grace_period_what_is_left_is_cut(server: ScriptedServer) -> None:
    with proxy_process(server.port, limits=Limits(grace_seconds=0.1)) as proxy:
        client = proxy.connect()
        client.send(GET)
        server.accept().head()
        proxy.child.send_signal(signal.SIGTERM)
        assert client.rest() == b""
        assert proxy.child.wait(PATIENCE_SECONDS) == 0
        client.close()


def test_a_killed_proxys_successor_answers_who_waited(server: ScriptedServer) -> None:
    with proxy_process(server.port) as proxy:
        first = proxy.connect()
        first.send(GET)
        server.accept().head()
        proxy.child.kill()
        proxy.child.wait()
        waiting = proxy.connect()
        waiting.send(GET)
        proxy.start()
        upstream = server.accept()
        upstream.head()
        upstream.send(OK)
        assert waiting.exactly(len(OK)) == OK
        first.close()
        waiting.close()


def test_a_wrong_upstream_is_a_usage_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        line = [sys.executable, "-m", "sidelight_logger.proxy.process"]
        line += ["--fd", str(listener.fileno()), "--upstream", "https://model"]
        ended = subprocess.run(line, pass_fds=[listener.fileno()], capture_output=True, text=True)
    assert ended.returncode == 2
    assert "upstream 'https://model'" in ended.stderr


def test_the_process_imports_little() -> None:
    script = (
        "import sys, sidelight_logger.proxy.process\n"
        "heavy = {'numpy', 'pydantic', 'apsw', 'httpx', 'fastapi', 'prometheus_client', 'yaml'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.stdout.strip() == "[]", ended.stderr


def test_memory_stays_bounded_while_a_large_body_meets_a_slow_reader(
    server: ScriptedServer,
) -> None:
    """200 MB each way, the reader always behind."""
    size, piece = 200_000_000, b"a" * 1_000_000
    with dummy_recorder() as recorder, proxy_process(server.port, recorder.path) as proxy:
        client = proxy.connect()
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
        upstream = server.accept()
        upstream.head()
        pump(client, upstream, piece, size)
        upstream.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        client.head()
        pump(upstream, client, piece, size)
        (capture,) = recorder.wait(1)
        status = Path(f"/proc/{proxy.child.pid}/status").read_text()
        client.close()
    assert (capture.request.size, capture.response.size) == (size, size)
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    assert int(peak.split()[1]) < 100_000, peak


def pump(source: Wire, target: Wire, piece: bytes, size: int) -> None:
    def push() -> None:
        for _ in range(size // len(piece)):
            source.send(piece)

    pushing = threading.Thread(target=push)
    pushing.start()
    wait_until(lambda: not pushing.is_alive() or stuck(source))
    for _ in range(size // len(piece)):
        target.exactly(len(piece))
    pushing.join()


def stuck(wire: Wire) -> bool:
    """The kernel takes nothing more from this sender: the reader is behind."""
    return not select.select([], [wire.sock], [], 0.05)[1]


def await_more(answered: list[int], failures: list[str]) -> None:
    goal = sum(answered) + 100
    wait_until(lambda: sum(answered) >= goal or bool(failures))


RECORDER = """
import sys
from pathlib import Path
from tests.logger.proxy_running import DummyRecorder
DummyRecorder(Path(sys.argv[1]))
"""


def test_killing_the_recorder_under_load_fails_no_prediction() -> None:
    """Four clients ask without a pause while the recorder is killed with -9 five times."""
    failures: list[str] = []
    answered = [0] * 4
    enough = threading.Event()

    def ask(client: int, address: tuple[str, int]) -> None:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{address[1]}", timeout=PATIENCE_SECONDS
        ) as session:
            while not enough.is_set():
                body = f"{client}:{answered[client]}:".encode() * 50
                try:
                    answer = session.post("/echo", content=body)
                except httpx.HTTPError as exc:
                    failures.append(repr(exc))
                    return
                if (answer.status_code, answer.content) != (200, body):
                    failures.append(f"{answer.status_code}: {answer.content[:80]!r}")
                answered[client] += 1

    with tempfile.TemporaryDirectory() as folder, uvicorn_server() as port:
        path = Path(folder) / "recorder"
        with proxy_process(port, path) as proxy:
            clients = [threading.Thread(target=ask, args=(n, proxy.address)) for n in range(4)]
            for client in clients:
                client.start()
            for _ in range(5):
                path.unlink(missing_ok=True)
                recorder = subprocess.Popen([sys.executable, "-c", RECORDER, str(path)])
                wait_until(path.exists)
                await_more(answered, failures)
                recorder.kill()
                recorder.wait()
            path.unlink()
            last = DummyRecorder(path)
            wait_until(lambda: len(last.captures) > 0)
            enough.set()
            for client in clients:
                client.join()
            total = sum(answered)
            wait_until(lambda: proxy.stats.accepted == total and proxy.stats.waiting == 0)
            proxy.child.send_signal(signal.SIGTERM)
            assert proxy.child.wait(PATIENCE_SECONDS) == 0
            last.close()
    assert failures == []
    assert min(answered) > 0


def test_many_connections_at_once_are_all_answered() -> None:
    """200 connections, five requests each: nothing fails and no connection is left over."""
    with (
        dummy_recorder() as recorder,
        uvicorn_server() as port,
        proxy_process(port, recorder.path) as proxy,
    ):
        wires = [proxy.connect() for _ in range(200)]
        for _ in range(5):
            for wire in wires:
                wire.send(GET.replace(b"/v2", b"/echo"))
            for wire in wires:
                assert wire.head().startswith(b"HTTP/1.1 200")
        for wire in wires:
            wire.close()
        wait_until(lambda: proxy.stats.client_connections == 0)
        assert proxy.stats.accepted == 1000
        assert len(recorder.wait(1000)) == 1000


def test_clients_that_still_come_after_sigterm_are_answered() -> None:
    """Half keep their connection, half open one for each request; they learn to stay away later."""
    failures: list[str] = []
    answered = [0] * 6
    enough = threading.Event()

    def ask(client: int, address: tuple[str, int]) -> None:
        wire: Wire | None = None
        while not enough.is_set():
            try:
                wire = wire or Wire(socket.create_connection(address, PATIENCE_SECONDS))
                wire.send(GET.replace(b"/v2", b"/echo"))
                head = wire.head()
            except (OSError, EOFError) as exc:
                failures.append(repr(exc))
                return
            answered[client] += 1
            if client % 2 or b"\r\nConnection: close\r\n" in head:
                wire.close()
                wire = None

    with uvicorn_server() as port, proxy_process(port) as proxy:
        clients = [threading.Thread(target=ask, args=(n, proxy.address)) for n in range(6)]
        for client in clients:
            client.start()
        await_more(answered, failures)
        proxy.child.send_signal(signal.SIGTERM)
        await_more(answered, failures)
        enough.set()
        for client in clients:
            client.join()
        assert proxy.child.wait(PATIENCE_SECONDS) == 0
    assert failures == []


def test_more_clients_than_the_soft_limit_of_open_files_are_answered() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 400:
        pytest.skip("the hard limit is no higher")
    with uvicorn_server() as port:
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
        try:
            proxy = ProxyProcess(port)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        with contextlib.closing(proxy):
            wires = [proxy.connect() for _ in range(120)]
            for wire in wires:
                wire.send(GET.replace(b"/v2", b"/echo"))
            for wire in wires:
                assert wire.head().startswith(b"HTTP/1.1 200")
                wire.close()
