"""The middleware inside of a real server: nothing is changed, everything is handed over."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from sidelight.errors import ConfigError
from sidelight.events.ids import id_text
from sidelight_logger.middleware import PayloadLogger
from sidelight_logger.recorder.describing.description import Origin, describe
from sidelight_logger.wire.captures import Capture
from tests.logger.chatting import chat, converse
from tests.logger.middleware_serving import Served, logged, uvicorn_of
from tests.logger.proxy_asgi import app as shapes
from tests.logger.proxy_running import dummy_recorder, running_proxy, wait_until

INFER = "/v2/models/income/infer"
OWN = ("date", "x-request-id")


@pytest.fixture(scope="module")
def plain() -> Iterator[httpx.Client]:
    with uvicorn_of(shapes) as address, httpx.Client(base_url=address) as client:
        yield client


@pytest.fixture
def served() -> Iterator[Served]:
    with logged(shapes) as running:
        yield running


def seen(answer: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    headers = [(name, text) for name, text in answer.headers.multi_items() if name not in OWN]
    return answer.status_code, headers, answer.content


def lines(head: bytes) -> list[bytes]:
    return head.split(b"\r\n")


CALLS: list[tuple[str, str, bytes]] = [
    ("POST", "/echo?secret=1", b"x" * 100_000),
    ("PUT", "/echo", b"\x00\xff"),
    ("GET", "/status/204", b""),
    ("GET", "/status/304", b""),
    ("GET", "/status/503", b""),
    ("GET", "/large", b""),
    ("HEAD", "/large", b""),
    ("GET", "/stream", b""),
    ("GET", "/zipped", b""),
    ("GET", "/moved", b""),
    ("GET", "/nowhere", b""),
    ("POST", "/unread", b"never looked at"),
]


def test_answers_are_the_same_as_without_it(plain: httpx.Client, served: Served) -> None:
    for method, path, body in CALLS:
        wanted = seen(plain.request(method, path, content=body or None))
        assert seen(served.client.request(method, path, content=body or None)) == wanted, path
    captures = served.recorder.wait(len(CALLS))
    assert {one.outcome for one in captures} == {"answered"}
    asked = [lines(one.request.head)[0].split(b" ")[:2] for one in captures]
    assert asked == [[m.encode(), p.partition("?")[0].encode()] for m, p, _ in CALLS]


def test_a_capture_is_what_passed(served: Served) -> None:
    body = b"r" * 70_000
    headers = {"X-Sent-One": "1", "Content-Type": "text/x", "X-Request-Id": "mine"}
    answer = served.client.post("/echo?secret=1", content=body, headers=headers)
    [capture] = served.recorder.wait(1)
    assert (capture.request.body, capture.response.body) == (body, body)
    assert b"x-sent-one: 1" in lines(capture.request.head)
    assert lines(capture.request.head)[0] == b"POST /echo HTTP/1.1"
    assert lines(capture.response.head)[0].startswith(b"HTTP/1.1 200")
    assert b"content-type: text/x; charset=utf-8" in lines(capture.response.head)
    assert "x-request-id" not in answer.headers
    exchange = describe(capture, 1, Origin("/test", "me"))
    assert exchange is not None
    assert (exchange.path, exchange.status, exchange.correlation_id) == ("/echo", 200, "mine")


def test_a_request_without_an_id_gets_that_of_its_exchange(served: Served) -> None:
    answer = served.client.post("/echo", headers={"X-Sent": "1"})
    [capture] = served.recorder.wait(1)
    assert answer.headers["x-request-id"] == id_text(capture.id)
    assert UUID(answer.headers["x-request-id"]).version == 7


def test_the_application_sees_the_id_also_when_the_client_does_not() -> None:
    app = FastAPI()

    @app.get("/id")
    async def id_(request: Request) -> Response:
        return Response(request.headers["x-request-id"])

    with logged(app, return_request_id=False) as served:
        answer = served.client.get("/id")
        [capture] = served.recorder.wait(1)
    assert answer.text == id_text(capture.id)
    assert "x-request-id" not in answer.headers


def test_a_body_that_the_application_does_not_read_is_marked_as_cut(served: Served) -> None:
    served.client.post("/unread", content=b"n" * 5000)
    [capture] = served.recorder.wait(1)
    assert capture.request.size == 5000
    assert capture.request.truncated


def test_bodies_are_kept_up_to_the_limit_and_pass_whole() -> None:
    with logged(shapes, max_body=1000) as served:
        assert len(served.client.post("/echo", content=b"a" * 5000).content) == 5000
        [capture] = served.recorder.wait(1)
    for side in (capture.request, capture.response):
        assert (len(side.body), side.size, side.truncated) == (1000, 5000, True)


def test_events_pass_as_they_come_and_are_one_answer() -> None:
    with logged(chat()) as served:
        converse(served.address, served.address)
        captures = served.recorder.wait(4)
    _is_one_answer(captures)


def test_so_they_do_through_the_proxy() -> None:
    with uvicorn_of(chat()) as server, dummy_recorder() as recorder:
        port = int(server.rpartition(":")[2])
        with running_proxy(port, recorder=recorder.path) as proxy:
            converse(f"http://127.0.0.1:{proxy.address[1]}", server)
            _is_one_answer(recorder.wait(1))


def _is_one_answer(captures: list[Capture]) -> None:
    [found] = (one for one in captures if b"/v1/chat" in one.request.head)
    assert found.outcome == "answered"
    assert found.response.body.count(b"data: ") == 4
    exchange = describe(found, 1, Origin("/test", "me"))
    assert exchange is not None
    assert (exchange.model, exchange.response.content_type) == (
        "llama",
        "text/event-stream; charset=utf-8",
    )


def test_a_client_that_leaves_during_the_answer_has_abandoned_it() -> None:
    with logged(chat()) as served:
        connection = http.client.HTTPConnection(served.address[7:])
        connection.request("POST", "/v1/chat/completions", json.dumps({"model": "m"}))
        connection.getresponse().read(10)
        connection.close()
        [capture] = served.recorder.wait(1)
    assert capture.outcome == "abandoned"
    assert b"word0" in capture.response.body


def test_an_application_that_fails_has_not_answered() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http", "no lifespan"
        raise RuntimeError("broken")

    with logged(app) as served:
        assert served.client.post(INFER, content=b"{}").status_code == 500
        [capture] = served.recorder.wait(1)
    assert capture.outcome == "unanswered"
    assert capture.response.head == b""


def test_a_half_answer_is_not_taken_for_a_whole_one() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http", "no lifespan"
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("broken")

    with logged(app) as served:
        with pytest.raises(httpx.RemoteProtocolError):
            served.client.post(INFER, content=b"{}")
        [capture] = served.recorder.wait(1)
    assert (capture.outcome, capture.response.body) == ("unanswered", b"half")


def test_added_to_fastapi_as_its_documentation_says() -> None:
    app = FastAPI()

    @app.post(INFER)
    async def infer(request: Request) -> dict[str, Any]:
        return {"model_name": "income", "outputs": [], "asked": await request.json()}

    with dummy_recorder() as recorder:
        app.add_middleware(PayloadLogger, socket=recorder.path)
        with uvicorn_of(app) as address:
            answer = httpx.post(address + INFER, json={"inputs": []})
        [capture] = recorder.captures
    assert answer.json()["asked"] == {"inputs": []}
    assert capture.response.body == answer.content


def test_without_a_recorder_everything_is_answered_and_counted(tmp_path: Any) -> None:
    with logged(shapes, tmp_path / "nobody", buffer_bytes=100_000) as served:
        for _ in range(50):
            assert served.client.post("/echo", content=b"x" * 5000).status_code == 200
        wait_until(lambda: served.logger.stats.accepted == 50)
        stats = served.logger.stats
    assert stats.dropped["recorder_down"] > 30
    assert stats.accepted == stats.settled + stats.waiting + sum(stats.dropped.values())


def test_what_waits_when_the_application_ends_is_handed_over() -> None:
    captures: list[Capture] = []
    with logged(shapes) as served:
        for number in range(200):
            served.client.post("/echo", content=b"%d" % number)
        captures = served.recorder.captures
    assert [one.request.body for one in captures] == [b"%d" % number for number in range(200)]


@pytest.mark.parametrize("size", [{"max_body": "4MiB"}, {"buffer_bytes": -1}])
def test_a_size_that_is_none_is_refused_by_name(size: dict[str, Any]) -> None:
    [(name, value)] = size.items()
    with pytest.raises(ConfigError, match=f"{name} is {value!r}; give a number of bytes"):
        PayloadLogger(shapes, socket="/run/logger.sock", **size)
