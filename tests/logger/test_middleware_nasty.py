"""Applications and servers that do what they should not: none of it is the middleware's fault."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from sidelight.errors import ConfigError
from sidelight_logger.middleware import PayloadLogger
from sidelight_logger.recorder.describing.description import Origin, describe
from sidelight_logger.wire.acknowledgements import encode_acknowledgement
from sidelight_logger.wire.captures import Capture
from sidelight_logger.wire.frames import Decoder
from tests.logger.middleware_serving import logged
from tests.logger.proxy_asgi import app as shapes
from tests.logger.proxy_running import DummyRecorder, wait_until

HEADERS = [(b"host", b"model"), (b"content-length", b"4")]


def scope(**more: Any) -> dict[str, Any]:
    plain = {"type": "http", "method": "POST", "path": "/v2/models/income/infer"}
    return {**plain, "headers": list(HEADERS), **more}


def one_call(app: Any, asked: dict[str, Any], received: list[Any]) -> list[Any]:
    """Call the application as a server does; what it sent."""
    sent: list[Any] = []
    messages = iter(received)

    async def receive() -> Any:
        return next(messages, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(asked, receive, send))
    return sent


values = st.binary(max_size=12) | st.just(b"a\r\nx-evil: 1") | st.just(b"a\nb")
fields = st.lists(st.tuples(st.sampled_from([b"x-a", b"content-type"]), values), max_size=4)
starts = st.builds(
    lambda status, headers: {"type": "http.response.start", "status": status, "headers": headers},
    st.sampled_from([200, 204, 500]),
    fields,
)
bodies = st.builds(
    lambda body, more: {"type": "http.response.body", "body": body, "more_body": more},
    st.binary(max_size=20) | st.binary(max_size=20).map(bytearray),
    st.booleans(),
)
broken = st.sampled_from(
    [
        {"type": "http.response.body"},
        {"type": "http.response.start"},
        {"type": "http.response.body", "body": "text"},
        {"type": "http.response.trailers", "headers": [(b"a", b"b")]},
        {"type": "http.response.debug", "info": {}},
        {"type": "nothing.of.the.kind"},
    ]
)
requests = st.lists(
    st.builds(
        lambda body, more: {"type": "http.request", "body": body, "more_body": more},
        st.binary(max_size=20),
        st.booleans(),
    ),
    max_size=3,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(starts | bodies | broken, max_size=5), requests, st.booleans())
def test_whatever_an_application_sends_goes_to_the_server_and_is_one_capture(
    answers: list[Any], received: list[Any], fails: bool
) -> None:
    async def app(asked: Any, receive: Any, send: Any) -> None:
        for _ in received:
            await receive()
        for answer in answers:
            await send(answer)
        if fails:
            raise ZeroDivisionError

    logger = PayloadLogger(app, "/nobody/there", return_request_id=False, drain_seconds=0.0)
    sent: list[Any] = []

    async def receive() -> Any:
        return received[0]

    async def send(message: Any) -> None:
        sent.append(message)

    async def call() -> None:
        if fails:
            with pytest.raises(ZeroDivisionError):
                await logger(scope(), receive, send)
        else:
            await logger(scope(), receive, send)

    asyncio.run(call())
    assert sent == answers
    assert logger.stats.accepted == 1
    logger.close()


def test_a_field_with_a_lines_end_makes_no_other_field(recorder: DummyRecorder) -> None:
    async def app(asked: Any, receive: Any, send: Any) -> None:
        headers = [(b"x-a", b"1\r\ncontent-type: application/evil")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    logger = PayloadLogger(app, recorder.path)
    asked = scope(headers=[*HEADERS, (b"x-b", b"1\ncontent-type: application/evil")])
    one_call(logger, asked, [])
    logger.close()
    [capture] = recorder.captures
    exchange = describe(capture, 1, Origin("/test", "me"))
    assert exchange is not None
    assert exchange.request.content_type == exchange.response.content_type == ""


def test_trailers_stand_behind_the_fields(recorder: DummyRecorder) -> None:
    async def app(asked: Any, receive: Any, send: Any) -> None:
        headers = [(b"trailer", b"x-sum")]
        start = {"type": "http.response.start", "status": 200, "headers": headers}
        await send({**start, "trailers": True})
        await send({"type": "http.response.body", "body": b"whole"})
        await send({"type": "http.response.trailers", "headers": [(b"x-sum", b"7")]})

    logger = PayloadLogger(app, recorder.path)
    one_call(logger, scope(), [])
    logger.close()
    [capture] = recorder.captures
    assert (capture.outcome, capture.response.body) == ("answered", b"whole")
    assert capture.response.head.endswith(b"trailer: x-sum\r\nx-sum: 7\r\n\r\n")


def test_other_scopes_are_none_of_its_business() -> None:
    seen = []

    async def app(asked: Any, receive: Any, send: Any) -> None:
        seen.append(asked)

    logger = PayloadLogger(app, "/nobody/there")
    asked = {"type": "websocket", "path": "/ws", "headers": []}
    one_call(logger, asked, [])
    assert seen[0] is asked


def test_a_scope_that_cannot_be_read_is_served_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def app(asked: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})

    logger = PayloadLogger(app, "/nobody/there")
    assert one_call(logger, {"type": "http", "method": None}, []) != []
    assert "a request is not logged: AttributeError" in caplog.text


def test_an_application_starts_and_answers_also_where_no_thread_can_be_started(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    lived: list[str] = []

    async def app(asked: Any, receive: Any, send: Any) -> None:
        lived.append(asked["type"])

    logger = PayloadLogger(app, "/nobody/there")
    monkeypatch.setattr(threading.Thread, "start", refuse)
    one_call(logger, {"type": "lifespan"}, [])
    one_call(logger, scope(), [])
    assert lived == ["lifespan", "http"]
    assert caplog.text.count("RuntimeError") == 1
    assert logger.stats.accepted == 1
    logger.close()


def test_an_outer_middleware_sees_what_the_application_wrote_into_the_scope() -> None:
    async def app(asked: Any, receive: Any, send: Any) -> None:
        asked["route"] = "/v2/models/{model}/infer"

    asked = scope(extensions={"http.response.pathsend": {}, "tls": {}})
    one_call(PayloadLogger(app, "/nobody/there"), asked, [])
    assert asked["route"] == "/v2/models/{model}/infer"
    assert asked["extensions"] == {"tls": {}}


def test_starlettes_test_client_works_also_without_a_lifespan(recorder: DummyRecorder) -> None:
    logger = PayloadLogger(shapes, recorder.path)
    client = TestClient(logger)  # each request in an event loop of its own
    for number in range(5):
        assert client.post("/echo", content=b"%d" % number).content == b"%d" % number
    assert [one.request.body for one in recorder.wait(5)] == [b"%d" % n for n in range(5)]
    with client:
        client.post("/echo", content=b"5")
    logger.close()
    assert len(recorder.captures) == 6


def test_it_needs_no_event_loop_of_asyncios(recorder: DummyRecorder) -> None:
    async def app(asked: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"any loop"})

    async def nothing(*message: Any) -> Any:
        return {"type": "http.request", "body": b"1234"}

    logger = PayloadLogger(app, recorder.path)
    with pytest.raises(StopIteration):
        logger(scope(), nothing, nothing).send(None)
    logger.close()
    assert recorder.captures[0].response.body == b"any loop"


FORKING = """
import asyncio, os, sys
from sidelight_logger.middleware import PayloadLogger

async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})

async def nothing(*message):
    return {"type": "http.disconnect"}

logger = PayloadLogger(app, sys.argv[1])
asked = {"type": "http", "method": "POST", "path": "/", "headers": []}
asyncio.run(logger(dict(asked), nothing, nothing))
children = []
for _ in range(3):
    if (pid := os.fork()) == 0:
        asyncio.run(logger(dict(asked), nothing, nothing))
        logger.close()
        os._exit(0)
    children.append(pid)
for pid in children:
    os.waitpid(pid, 0)
"""


def test_forked_processes_hand_over_for_themselves_and_the_end_needs_no_lifespan() -> None:
    captures: list[Capture] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s"
        recorder = Recorders(path)
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        line = [sys.executable, "-W", "ignore", "-c", FORKING, str(path)]
        assert subprocess.run(line, env=environ, timeout=60).returncode == 0
        wait_until(lambda: len(recorder.captures) >= 4)
        captures = list(recorder.captures)
        recorder.close()
    assert len({one.response.body for one in captures}) == len(captures) == 4


class Recorders:
    """A recorder of several connections at once."""

    def __init__(self, path: Path) -> None:
        self.captures: list[Capture] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection: Any) -> None:
        decoder, settled = Decoder(), 0
        with connection:
            while data := connection.recv(1 << 16):
                for frame in decoder.feed(data):
                    if isinstance(frame, Capture):
                        self.captures.append(frame)
                        settled += 1
                connection.send(encode_acknowledgement(settled))


def test_memory_is_bounded_while_nobody_takes_anything() -> None:
    async def app(asked: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": bytes(50_000)})

    async def nothing(*message: Any) -> Any:
        return {"type": "http.request", "body": b"1234"}

    logger = PayloadLogger(app, "/nobody/there", buffer_bytes=1 << 20, drain_seconds=0.0)

    async def many() -> None:
        for _ in range(2000):
            await logger(scope(), nothing, nothing)

    tracemalloc.start()
    try:
        asyncio.run(many())
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 3 << 20
    stats = logger.stats
    assert stats.accepted == 2000
    assert stats.dropped["recorder_down"] > 1900
    logger.close()


def test_a_recorder_that_stands_still_keeps_nobody_waiting() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX) as silent,
    ):
        path = Path(folder) / "s"
        silent.bind(str(path))
        silent.listen()
        with logged(shapes, path, buffer_bytes=1 << 20) as served:
            for _ in range(60):
                assert served.client.post("/echo", content=bytes(100_000)).status_code == 200
            wait_until(lambda: served.logger.stats.accepted == 60)
            assert served.logger.stats.dropped["buffer_full"] > 30


@pytest.mark.parametrize("path", ["", "/" + "x" * 200])
def test_a_socket_that_cannot_be_is_refused_at_once(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SIDELIGHT_LOGGER__SOCKET", raising=False)
    with pytest.raises(ConfigError, match="PayloadLogger: "):
        PayloadLogger(shapes, path)
