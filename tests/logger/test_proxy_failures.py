"""What a client sees when its model server, or the client itself, does not behave."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from sidelight_logger.proxy.settings import Limits
from tests.logger.proxy_running import (
    RunningProxy,
    ScriptedServer,
    Wire,
    dummy_recorder,
    read_answer,
    running_proxy,
    wait_until,
)

GET = b"GET /v2 HTTP/1.1\r\nHost: model\r\nX-Request-Id: 1\r\n\r\n"
POST = b"POST /infer HTTP/1.1\r\nHost: model\r\nX-Request-Id: 1\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
IMPATIENT = Limits(
    head_bytes=2048,
    head_fields=20,
    head_seconds=0.5,
    stall_seconds=0.5,
    idle_seconds=0.5,
    connect_seconds=0.3,
    linger_seconds=0.5,
    grace_seconds=0.2,
)


@pytest.fixture
def proxy(server: ScriptedServer) -> Iterator[RunningProxy]:
    with running_proxy(server.port, limits=IMPATIENT) as running:
        yield running


@pytest.fixture
def client(proxy: RunningProxy) -> Iterator[Wire]:
    wire = proxy.connect()
    yield wire
    wire.close()


def reason(client: Wire, status: int, method: str = "GET") -> str:
    """The proxy's own answer, which must end the connection."""
    answer = read_answer(client, method)
    assert answer.status == status
    assert answer.header("connection") == "close"
    assert answer.header("content-type") == "application/json"
    assert client.rest() == b""
    return str(json.loads(answer.body)["error"])


def test_a_model_server_that_is_down_gives_502() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with running_proxy(port) as proxy:
        client = proxy.connect()
        client.send(POST + b"Content-Length: 2\r\n\r\nab")
        assert f"127.0.0.1:{port} cannot be reached: Connection refused" in reason(client, 502)
        client.close()


def test_a_model_server_that_does_not_accept_gives_504() -> None:
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    fillers = [socket.socket() for _ in range(3)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(full.getsockname())
    with running_proxy(full.getsockname()[1], limits=IMPATIENT) as proxy:
        client = proxy.connect()
        client.send(GET)
        assert "in time (0.3 s)" in reason(client, 504)
        client.close()
    for sock in (full, *fillers):
        sock.close()


def test_a_stale_connection_costs_a_request_nothing(client: Wire, server: ScriptedServer) -> None:
    client.send(GET)
    stale = server.accept()
    stale.head()
    stale.send(OK)
    client.exactly(len(OK))
    client.send(POST + b"Content-Length: 4\r\n\r\nab")
    stale.until(b"ab")
    stale.close()
    client.send(b"cd")
    fresh = server.accept()
    assert fresh.until(b"abcd") == POST + b"Content-Length: 4\r\n\r\nabcd"
    fresh.send(OK)
    assert client.exactly(len(OK)) == OK


def test_a_request_is_not_sent_twice_once_its_answer_has_begun(
    client: Wire, server: ScriptedServer
) -> None:
    client.send(GET)
    upstream = server.accept()
    upstream.head()
    upstream.send(OK)
    client.exactly(len(OK))
    client.send(GET)
    upstream.head()
    upstream.send(b"HTTP/1.1 ")
    upstream.close()
    assert "without an answer" in reason(client, 502)
    assert server.has_nobody()


def test_a_new_connection_that_closes_at_once_is_not_tried_again(
    client: Wire, server: ScriptedServer
) -> None:
    client.send(GET)
    upstream = server.accept()
    upstream.head()
    upstream.reset()
    assert "without an answer" in reason(client, 502)
    assert server.has_nobody()


def test_a_large_request_does_not_depend_on_an_old_connection(
    client: Wire, server: ScriptedServer
) -> None:
    client.send(GET)
    old = server.accept()
    old.head()
    old.send(OK)
    client.exactly(len(OK))
    client.send(POST + b"Content-Length: 1000000\r\n\r\n")
    assert server.accept().head() == POST + b"Content-Length: 1000000\r\n\r\n"
    assert old.is_quiet()


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 10", b"Transfer-Encoding: chunked"], ids=["sized", "chunked"]
)
def test_a_cut_answer_cannot_be_taken_for_a_whole_one(
    framing: bytes, client: Wire, server: ScriptedServer
) -> None:
    client.send(GET)
    upstream = server.accept()
    upstream.head()
    upstream.send(b"HTTP/1.1 200 OK\r\n%b\r\n\r\n3\r\nabc\r\n" % framing)
    upstream.close()
    head, _, body = client.rest().partition(b"\r\n\r\n")
    assert framing in head
    assert body == b"3\r\nabc\r\n"


def test_a_cut_answer_that_would_end_by_closing_is_reset(
    client: Wire, server: ScriptedServer
) -> None:
    client.send(GET)
    upstream = server.accept()
    upstream.head()
    upstream.send(b"HTTP/1.1 200 OK\r\n\r\npart")
    assert client.until(b"part")
    upstream.reset()
    with pytest.raises(ConnectionResetError):
        client.rest()


@pytest.mark.parametrize(
    "answer",
    [
        b"HELLO\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 O\x00K\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 3000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 30 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
)
def test_an_answer_that_can_be_read_in_two_ways_gives_502(
    answer: bytes, client: Wire, server: ScriptedServer
) -> None:
    client.send(GET)
    upstream = server.accept()
    upstream.head()
    upstream.send(answer)
    assert "the model server's answer cannot be read" in reason(client, 502)


def test_a_bad_chunk_late_in_an_answer_cuts_it(client: Wire, server: ScriptedServer) -> None:
    client.send(GET)
    upstream = server.accept()
    upstream.head()
    upstream.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
    assert client.until(b"ab\r\n")
    upstream.send(b"xyz\r\n")
    assert client.rest() == b""


def test_what_comes_after_an_answer_is_never_the_next_one(
    client: Wire, server: ScriptedServer
) -> None:
    client.send(GET + GET)
    upstream = server.accept()
    upstream.head()
    upstream.send(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
    assert client.exactly(len(OK)) == OK
    upstream = server.accept()
    upstream.head()
    upstream.send(OK)
    assert client.exactly(len(OK)) == OK


def test_a_client_that_resets_cancels_its_request(server: ScriptedServer) -> None:
    with dummy_recorder() as recorder, running_proxy(server.port, recorder=recorder.path) as proxy:
        client = proxy.connect()
        client.send(GET)
        upstream = server.accept()
        upstream.head()
        client.reset()
        assert upstream.rest() == b""
        (capture,) = recorder.wait(1)
    assert capture.outcome == "abandoned"


def test_a_client_that_closes_inside_its_body_cancels_its_request(
    client: Wire, server: ScriptedServer
) -> None:
    client.send(POST + b"Content-Length: 5\r\n\r\nab")
    upstream = server.accept()
    upstream.until(b"ab")
    client.close()
    assert upstream.rest() == b""


def test_a_head_that_is_too_large_gives_431(client: Wire) -> None:
    client.send(b"GET / HTTP/1.1\r\nX: " + b"a" * 2048)
    assert "larger than 2048 bytes" in reason(client, 431)


def test_too_many_headers_give_431(client: Wire) -> None:
    client.send(b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 21 + b"\r\n")
    assert "21 header fields; at most 20" in reason(client, 431)


def test_a_head_that_does_not_end_gives_408(client: Wire) -> None:
    client.send(b"GET / HTTP/1.1\r\nX: ")
    assert "not complete after 0.5 s" in reason(client, 408)


def test_a_body_that_does_not_come_gives_408(client: Wire, server: ScriptedServer) -> None:
    client.send(POST + b"Content-Length: 5\r\n\r\nab")
    upstream = server.accept()
    assert upstream.rest().endswith(b"ab")
    assert "nothing came of the request's body for 0.5 s" in reason(client, 408)


def test_an_idle_connection_is_closed(client: Wire) -> None:
    assert client.rest() == b""


def test_an_answer_may_take_longer_than_every_limit(client: Wire, server: ScriptedServer) -> None:
    client.send(GET)
    upstream = server.accept()
    upstream.head()
    assert client.is_quiet(1.6)
    upstream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
    client.until(b"\r\n\r\no")
    assert client.is_quiet(1.6)
    upstream.send(b"k")
    assert client.exactly(1) == b"k"


def test_a_client_that_does_not_read_is_cut_off(
    proxy: RunningProxy, server: ScriptedServer
) -> None:
    client = proxy.connect()
    client.send(GET)
    upstream = server.accept()
    upstream.head()
    upstream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        upstream.send(b"a" * 64_000_000)
    client.close()


def test_a_client_that_never_takes_a_short_answer_is_cut_off_too(
    proxy: RunningProxy, server: ScriptedServer
) -> None:
    """Less than the proxy's own buffer remains unsent, so nothing ever tells it to pause."""
    client = Wire(socket.socket())
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.sock.connect(proxy.address)
    client.send(GET.replace(b"X-Request-Id: 1", b"Connection: close"))
    upstream = server.accept()
    upstream.head()
    upstream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n" + b"a" * 5_000_000)
    wait_until(lambda: proxy.stats.client_connections == 0)
    client.close()


def test_a_502_to_head_has_no_body(client: Wire, server: ScriptedServer) -> None:
    client.send(GET.replace(b"GET", b"HEAD"))
    upstream = server.accept()
    upstream.head()
    upstream.close()
    assert client.rest().endswith(b"\r\n\r\n")


def test_the_proxys_own_answers_are_counted(proxy: RunningProxy, server: ScriptedServer) -> None:
    bad = proxy.connect()
    bad.send(b"GET\r\n\r\n")
    reason(bad, 400)
    client = proxy.connect()
    client.send(GET)
    server.accept().close()
    reason(client, 502)
    assert (proxy.stats.refused, proxy.stats.upstream_failures) == (1, 1)
    bad.close()
    client.close()
    wait_until(lambda: proxy.stats.client_connections == 0)
