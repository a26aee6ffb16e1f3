"""The same request direct and through the proxy gives the same answer, with a real server."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.logger.proxy_asgi import uvicorn_server
from tests.logger.proxy_running import (
    PATIENCE_SECONDS,
    Answer,
    RunningProxy,
    Wire,
    dummy_recorder,
    read_answer,
    running_proxy,
)

ONE_HOP = {"connection", "keep-alive", "transfer-encoding", "x-request-id", "date"}
POST = b"POST /echo?q=%20a&q=2 HTTP/1.1\r\nHost: model\r\nConnection: close\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    with uvicorn_server() as port:
        yield port


@pytest.fixture(scope="module")
def proxy(server: int) -> Iterator[RunningProxy]:
    with dummy_recorder() as recorder, running_proxy(server, recorder=recorder.path) as running:
        yield running


def get(path: bytes, method: bytes = b"GET", version: bytes = b"HTTP/1.1") -> bytes:
    return b"%b %b %b\r\nHost: model\r\nConnection: close\r\n\r\n" % (method, path, version)


SHAPES = {
    "get": get(b"/echo?a=b"),
    "delete": get(b"/echo", b"DELETE"),
    "options": get(b"/echo", b"OPTIONS"),
    "not found": get(b"/nowhere"),
    "not allowed": get(b"/echo", b"TRACE"),
    "no content": get(b"/status/204"),
    "not modified": get(b"/status/304"),
    "server error": get(b"/status/503"),
    "odd status": get(b"/status/299"),
    "redirect with two cookies": get(b"/moved"),
    "compressed": get(b"/zipped"),
    "event stream": get(b"/stream"),
    "2 MiB answer": get(b"/large"),
    "head": get(b"/large", b"HEAD"),
    "old client": get(b"/echo", version=b"HTTP/1.0"),
    "old client, event stream": get(b"/stream", version=b"HTTP/1.0"),
    "sized": POST + b"Content-Type: application/json\r\nContent-Length: 9\r\n\r\n" + b'{"a": 10}',
    "empty": POST + b"Content-Length: 0\r\n\r\n",
    "binary": POST + b"Content-Length: 256\r\n\r\n" + bytes(range(256)),
    "2 MiB": POST + b"Content-Length: 2097152\r\n\r\n" + bytes(range(256)) * 8192,
    "chunked": POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n",
    "chunked empty": POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "continue": POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
    "many headers": POST + b"".join(b"X-Sent-%d: %d\r\n" % (n, n) for n in range(50)) + b"\r\n",
    "long header": POST + b"X-Sent: " + b"a" * 9000 + b"\r\n\r\n",
    "unread": get(b"/unread", b"POST"),
}


def ask(port: int, request: bytes) -> Answer:
    wire = Wire(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS))
    wire.send(request)
    answer = read_answer(wire, request.split(b" ")[0].decode())
    wire.close()
    return answer


def end_to_end(answer: Answer) -> tuple[int, list[tuple[str, str]], str]:
    kept = [(name, value) for name, value in answer.headers if name.lower() not in ONE_HOP]
    return answer.status, kept, hashlib.sha256(answer.body).hexdigest()


@pytest.mark.parametrize("name", SHAPES)
def test_an_answer_is_the_same_through_the_proxy(
    name: str, server: int, proxy: RunningProxy
) -> None:
    direct = end_to_end(ask(server, SHAPES[name]))
    assert end_to_end(ask(proxy.address[1], SHAPES[name])) == direct


def test_a_post_that_offers_http_2_keeps_its_body(proxy: RunningProxy) -> None:
    """As curl --http2 and Java's client send it; uvicorn alone loses this body."""
    request = POST.replace(b"close", b"Upgrade, HTTP2-Settings")
    request += b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: 4\r\n\r\nbody"
    assert ask(proxy.address[1], request).body == b"body"


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]),
    query=st.text("abc%20=&+;/?", max_size=20).map(lambda text: text.replace("%", "%25")),
    headers=st.dictionaries(
        st.text("abcXYZ-_.", min_size=1, max_size=8).map("X-Sent-".__add__),
        st.text("aZ09 ,;=\"'\t", max_size=20).map(str.strip),
        max_size=5,
    ),
    chunks=st.lists(st.binary(min_size=1, max_size=200), max_size=5),
    chunked=st.booleans(),
)
def test_any_request_gives_the_same_answer_through_the_proxy(
    method: str,
    query: str,
    headers: dict[str, str],
    chunks: list[bytes],
    chunked: bool,
    server: int,
    proxy: RunningProxy,
) -> None:
    lines = [f"{method} /echo?{query} HTTP/1.1", "Host: model", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if chunked:
        lines.append("Transfer-Encoding: chunked")
        body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    else:
        body = b"".join(chunks)
        lines.append(f"Content-Length: {len(body)}")
    request = "\r\n".join([*lines, "", ""]).encode() + body
    assert end_to_end(ask(proxy.address[1], request)) == end_to_end(ask(server, request))


def test_a_client_library_keeps_its_connections_under_load(proxy: RunningProxy) -> None:
    """Sixteen clients at once, each with its own bodies, none mixed up."""
    host, port = proxy.address

    def run(client: int) -> int:
        with httpx.Client(base_url=f"http://{host}:{port}", timeout=PATIENCE_SECONDS) as session:
            for turn in range(30):
                body = f"{client}:{turn}:".encode() * (1 + turn * 50)
                answer = session.post("/echo", content=body)
                assert (answer.status_code, answer.content) == (200, body)
        return client

    with ThreadPoolExecutor(16) as pool:
        assert sorted(pool.map(run, range(16))) == list(range(16))


def test_a_body_sent_after_the_answer_does_not_reach_the_next_request(proxy: RunningProxy) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{proxy.address[1]}") as session:
        for _ in range(5):
            assert session.post("/unread", content=b"a" * 500_000).status_code == 403
            assert session.post("/echo", content=b"next").content == b"next"
