"""The middleware and the logger as processes of their own, and what becomes of the account."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest

from sidelight.errors import ConfigError
from sidelight.events import Exchange
from sidelight.events.exchanges import from_record
from sidelight.log import open_log, topics
from sidelight_logger.door import door
from sidelight_logger.wire import tally
from sidelight_logger.wire.captures import encode
from sidelight_logger.wire.frames import encode_hello
from sidelight_logger.wire.sinks import SinkStats, encode_stats
from tests.logger.captures import capture
from tests.logger.commanding import Logger, running
from tests.logger.sinks import wait_until

INFER = "/v2/models/income/infer"
PROGRAM = """
import os
from fastapi import FastAPI, Request
from sidelight_logger.middleware import PayloadLogger

app = FastAPI()

@app.post("/v2/models/income/infer")
async def infer(request: Request):
    asked = await request.json()
    return {"model_name": "income", "model_version": "3", "outputs": asked, "pid": os.getpid()}

app.add_middleware(PayloadLogger)
"""


class Server:
    """Uvicorn as a process, with workers."""

    def __init__(self, folder: Path, path: Path, workers: int) -> None:
        (folder / "served.py").write_text(PROGRAM)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self._address = f"127.0.0.1:{port}"
        environ = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "SIDELIGHT_LOGGER__SOCKET": str(path),
        }
        line = [sys.executable, "-m", "uvicorn", "served:app", "--port", str(port)]
        options = ["--workers", str(workers), "--log-level", "critical"]
        self.process = subprocess.Popen(line + options, cwd=folder, env=environ)
        wait_until(self._is_there, "the server")

    def ask(self, count: int, first: int = 0) -> set[int]:
        """Each question on a connection of its own; the processes that answered."""
        pids = set()
        for number in range(first, first + count):
            answer = json.loads(self._answer("POST", INFER, json.dumps({"number": number})))
            assert answer["outputs"] == {"number": number}
            pids.add(answer["pid"])
        return pids

    def ask_until_all_answered(self, workers: int) -> int:
        """How many questions that took: one worker may stand long before the other."""
        pids: set[int] = set()
        asked = 0

        def all_have_answered() -> bool:
            nonlocal asked
            pids.update(self.ask(10, first=asked))
            asked += 10
            return len(pids) == workers

        wait_until(all_have_answered, "an answer of each worker")
        return asked

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def _is_there(self) -> bool:
        try:
            return bool(self._answer("GET", "/docs"))
        except OSError:
            return False

    def _answer(self, method: str, path: str, body: str = "") -> bytes:
        with closing(HTTPConnection(self._address, timeout=60)) as connection:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            assert answer.status == 200
            return answer.read()


@contextmanager
def serving(folder: Path, path: Path, workers: int = 1) -> Iterator[Server]:
    server = Server(folder, path, workers)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "logger.sock"


@contextmanager
def logging(folder: Path, path: Path, **settings: str) -> Iterator[Logger]:
    with running(folder, SIDELIGHT_LOGGER__SOCKET=str(path), **settings) as logger:
        wait_until(path.exists, "the socket")
        yield logger


def recorded(folder: Path) -> list[Exchange]:
    with closing(open_log(folder / "log")) as log:
        exchanges: list[Exchange] = []
        while found := log.read(topics.INFERENCE, 0, len(exchanges)):
            exchanges += [from_record(stored.record) for stored in found]
        return exchanges


def numbers(exchanges: list[Exchange]) -> list[int]:
    asked = (json.loads(one.request.content) for one in exchanges if one.method == "POST")
    return sorted(one["number"] for one in asked)


def test_what_two_workers_serve_is_in_the_log_and_nothing_is_forwarded(
    tmp_path: Path, path: Path
) -> None:
    with logging(tmp_path, path) as logger:
        with serving(tmp_path, path, workers=2) as server:
            asked = server.ask_until_all_answered(workers=2)
            wait_until(lambda: logger.metric("middleware_settled_total") >= asked)
            assert logger.metric("middleware_connected") == 2
            assert logger.metric("middleware_dropped_total") == 0
            assert logger.ready().startswith("ready")
        wait_until(lambda: logger.metric("middleware_connected") == 0)
        assert logger.metric("middleware_dropped_total") == 0
        assert logger.stop() == 0
    exchanges = recorded(tmp_path)
    assert numbers(exchanges) == list(range(asked))
    one = next(one for one in exchanges if one.method == "POST")
    assert (one.model, one.version, one.protocol, one.status) == ("income", "3", "v2", 200)
    assert not path.exists()


def test_a_recorder_that_is_killed_costs_no_answer_and_what_is_lost_is_counted(
    tmp_path: Path, path: Path
) -> None:
    with logging(tmp_path, path) as logger, serving(tmp_path, path) as server:
        for round_ in range(3):
            server.ask(20, first=20 * round_)
            logger.kill("recorder")
        server.ask(20, first=60)
        wait_until(lambda: logger.metric("middleware_waiting_exchanges") == 0)
        asked = logger.metric("middleware_exchanges_total")
        lost = logger.metric("middleware_dropped_total")
        assert asked == logger.metric("middleware_settled_total") + lost
        assert logger.stop() == 0
    found = numbers(recorded(tmp_path))
    assert len(found) == len(set(found))
    assert 80 - lost <= len(found) <= 80


def test_what_a_killed_model_server_had_in_hand_is_counted(tmp_path: Path, path: Path) -> None:
    with logging(tmp_path, path) as logger:
        with serving(tmp_path, path) as server:
            pid = server.ask(20).pop()
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: logger.metric("middleware_connected") == 0)
        asked = logger.metric("middleware_exchanges_total")
        assert asked >= 20
        assert logger.metric("middleware_waiting_exchanges") == 0
        lost = logger.metric("middleware_dropped_total")
        assert asked == logger.metric("middleware_settled_total") + lost
        assert logger.stop() == 0
    assert len(numbers(recorded(tmp_path))) >= 20 - lost


def hand_over(path: Path, *parts: bytes, descriptors: list[int] | None = None) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(60)
    connection.connect(str(path))
    with suppress(BrokenPipeError):  # turned away before it could say a word
        socket.send_fds(connection, [b"".join(parts)], descriptors or [])
    return connection


def is_turned_away(connection: socket.socket) -> bool:
    try:
        return connection.recv(8) == b""
    except ConnectionResetError:  # before it had read all
        return True


def shrinking() -> int:
    descriptor = os.memfd_create("unsealed")
    os.ftruncate(descriptor, 4096)
    return descriptor


def test_who_brings_nonsense_is_turned_away_and_others_are_heard(
    tmp_path: Path, path: Path
) -> None:
    one = b"".join(encode(capture()))
    pipes = os.pipe()
    memory, sink = tally.shared(), encode_stats(SinkStats("s"))
    with logging(tmp_path, path) as logger:
        wrong = [
            hand_over(path, one),
            hand_over(path, encode_hello()),
            hand_over(path, encode_hello(), descriptors=[pipes[0]]),
            hand_over(path, encode_hello(), descriptors=[shrinking()]),
            hand_over(path, encode_hello(), b"\xff" * 64, descriptors=[tally.shared()]),
            hand_over(path, encode_hello(), sink, descriptors=[tally.shared()]),
        ]
        for connection in wrong:
            with connection:
                assert is_turned_away(connection)
        with hand_over(path, encode_hello(), one, descriptors=[memory]) as right:
            with hand_over(path, encode_hello(), one, descriptors=[memory]) as again:
                assert is_turned_away(again)
            assert int.from_bytes(right.recv(8), "little") == 1
        assert logger.metric("exchanges_recorded_total") == 1
        assert logger.stop() == 0


def test_more_guests_than_may_be_are_turned_away_and_come_later(tmp_path: Path, path: Path) -> None:
    with logging(tmp_path, path) as logger:
        idle = [hand_over(path, encode_hello(), descriptors=[tally.shared()]) for _ in range(64)]
        wait_until(lambda: logger.metric("middleware_connected") == 64)
        with hand_over(path, encode_hello(), descriptors=[tally.shared()]) as late:
            assert is_turned_away(late)
        for connection in idle:
            connection.close()
        wait_until(lambda: logger.metric("middleware_connected") == 0)
        one = b"".join(encode(capture()))
        with hand_over(path, encode_hello(), one, descriptors=[tally.shared()]) as right:
            assert int.from_bytes(right.recv(8), "little") == 1
        assert logger.stop() == 0


def test_a_capture_that_is_too_long_is_counted_and_the_next_one_kept(
    tmp_path: Path, path: Path
) -> None:
    long = b"".join(encode(capture(body=b"x" * (3 << 20))))
    short = b"".join(encode(capture()))
    with logging(tmp_path, path, SIDELIGHT_LOGGER__MAX_BODY="1000") as logger:
        with hand_over(path, encode_hello(), descriptors=[tally.shared()]) as connection:
            connection.sendall(long + short)
            wait_until(lambda: logger.metric("exchanges_recorded_total") == 1)
        assert logger.metric("recorder_dropped_total") == 1
        assert logger.stop() == 0


def test_the_socket_of_a_killed_logger_is_taken_over_but_not_one_in_use(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with door(path) as listener:
        assert listener is not None
        assert path.stat().st_mode & 0o777 == 0o660
        with pytest.raises(ConfigError, match="another logger listens"), door(path):
            pass
    assert not path.exists()


def test_a_file_in_the_sockets_place_is_left_alone(path: Path) -> None:
    path.write_text("mine")
    with pytest.raises(ConfigError, match=r"logger\.socket: cannot listen"), door(path):
        pass
    assert path.read_text() == "mine"
