"""Bytes both ways: what is forwarded, in what order, and how a connection is used again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.logger.proxy_running import (
    RunningProxy,
    ScriptedServer,
    Wire,
    read_answer,
    running_proxy,
)

GET = b"GET /v2 HTTP/1.1\r\nHost: model\r\nX-Request-Id: 1\r\n\r\n"
POST = b"POST /infer HTTP/1.1\r\nHost: model\r\nX-Request-Id: 1\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def proxy(server: ScriptedServer) -> Iterator[RunningProxy]:
    with running_proxy(server.port) as running:
        yield running


@pytest.fixture
def client(proxy: RunningProxy) -> Iterator[Wire]:
    wire = proxy.connect()
    yield wire
    wire.close()


def test_a_request_and_its_answer_pass_unchanged(client: Wire, server: ScriptedServer) -> None:
    request = (
        POST + b"X-Odd:  Two  Spaces \r\nx-odd: again\r\nContent-Length: 4\r\n\r\n\x00\r\n\xff"
    )
    client.send(request)
    upstream = server.accept()
    assert upstream.exactly(len(request)) == request
    answer = (
        b"HTTP/1.1 299 Quite \xe9 Fine\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\n"
        b"X-Empty:\r\nContent-Length: 3\r\n\r\n\r\n\x00"
    )
    upstream.send(answer)
    assert client.exactly(len(answer)) == answer


def test_both_connections_are_used_again(client: Wire, server: ScriptedServer) -> None:
    client.send(GET)
    upstream = server.accept()
    for turn in range(3):
        if turn:
            client.send(GET)
        assert upstream.head() == GET
        upstream.send(OK)
        assert client.exactly(len(OK)) == OK
    assert server.has_nobody()


def test_pipelined_requests_are_answered_in_order(client: Wire, server: ScriptedServer) -> None:
    bodies = [b"%d" % number * 3 for number in range(4)]
    client.send(b"".join(POST + b"Content-Length: 3\r\n\r\n" + body for body in bodies))
    upstream = server.accept()
    for body in bodies:
        upstream.head()
        assert upstream.exactly(3) == body
        assert upstream.is_quiet(0.02)
        upstream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n" + body)
    for body in bodies:
        client.head()
        assert client.exactly(3) == body


def test_a_bad_request_among_pipelined_ones_ends_the_connection_after_its_turn(
    client: Wire, server: ScriptedServer
) -> None:
    client.send(GET + b"GET /v2 HTTP/1.1\r\nHost : model\r\n\r\n" + GET)
    upstream = server.accept()
    assert upstream.head() == GET
    upstream.send(OK)
    assert client.exactly(len(OK)) == OK
    assert client.head().startswith(b"HTTP/1.1 400 ")
    assert b"whitespace" in client.rest()
    assert upstream.is_quiet()
    assert server.has_nobody()


def test_hop_by_hop_headers_stay_on_their_hop(client: Wire, server: ScriptedServer) -> None:
    client.send(
        POST + b"Connection: keep-alive, X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\n"
        b"Proxy-Connection: keep-alive\r\nTE: trailers, gzip;q=0.5\r\nX-Public: 2\r\n\r\n"
    )
    upstream = server.accept()
    assert upstream.head() == POST + b"X-Public: 2\r\nTE: trailers\r\nConnection: TE\r\n\r\n"
    upstream.send(
        b"HTTP/1.1 200 OK\r\nConnection: X-Mine\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\n"
        b"Content-Length: 0\r\n\r\n"
    )
    assert client.head() == b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def test_fields_that_delimit_a_message_cannot_be_declared_hop_by_hop(
    client: Wire, server: ScriptedServer
) -> None:
    client.send(POST + b"Connection: content-length, host\r\nContent-Length: 2\r\n\r\nab")
    assert server.accept().until(b"ab") == POST + b"Content-Length: 2\r\n\r\nab"


def test_an_offer_of_http_2_is_passed_over_and_the_body_kept(
    client: Wire, server: ScriptedServer
) -> None:
    client.send(
        POST
        + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
        b"Content-Length: 4\r\n\r\nbody"
    )
    assert server.accept().until(b"body") == POST + b"Content-Length: 4\r\n\r\nbody"


def test_a_websocket_is_refused_plainly(client: Wire, server: ScriptedServer) -> None:
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
    answer = read_answer(client)
    assert answer.status == 501
    assert b"websockets are not proxied" in answer.body
    assert server.has_nobody()


def test_a_chunked_body_passes_piece_by_piece_with_its_trailers(
    client: Wire, server: ScriptedServer
) -> None:
    client.send(POST + b"Transfer-Encoding: Chunked\r\n\r\n5;ext=1\r\nhello\r\n")
    upstream = server.accept()
    assert upstream.head() == POST + b"Transfer-Encoding: chunked\r\n\r\n"
    assert upstream.until(b"hello\r\n") == b"5\r\nhello\r\n"
    client.send(b"01\r\n!\r\n0\r\nX-Sum: 7\r\n\r\n")
    assert upstream.until(b"\r\n\r\n") == b"1\r\n!\r\n0\r\nX-Sum: 7\r\n\r\n"
    upstream.send(b"HTTP/1.1 200 OK\r\nTrailer: X-End\r\nTransfer-Encoding: chunked\r\n\r\n")
    head = b"HTTP/1.1 200 OK\r\nTrailer: X-End\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert client.head() == head
    upstream.send(b"3\r\nabc\r\n")
    assert client.exactly(8) == b"3\r\nabc\r\n"
    upstream.send(b"0\r\nX-End: 1\r\n\r\n")
    assert client.until(b"\r\n\r\n") == b"0\r\nX-End: 1\r\n\r\n"


def test_events_of_a_stream_come_as_they_are_sent(client: Wire, server: ScriptedServer) -> None:
    client.send(GET)
    upstream = server.accept()
    upstream.head()
    upstream.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
    assert b"Connection: close" in client.head()
    for number in range(3):
        event = b"data: %d\n\n" % number
        upstream.send(event)
        assert client.exactly(len(event)) == event
    upstream.close()
    assert client.rest() == b""


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        (b"HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
        (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        (b"GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"),
    ],
)
def test_an_answer_without_a_body_does_not_swallow_the_next(
    method: bytes, answer: bytes, client: Wire, server: ScriptedServer
) -> None:
    client.send(GET.replace(b"GET", method) + GET)
    upstream = server.accept()
    upstream.head()
    upstream.send(answer)
    assert client.exactly(len(answer)) == answer
    upstream.head()
    upstream.send(OK)
    assert client.exactly(len(OK)) == OK


def test_expect_100_continue_is_the_servers_to_answer(client: Wire, server: ScriptedServer) -> None:
    head = POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    client.send(head)
    upstream = server.accept()
    assert upstream.head() == head
    assert client.is_quiet()
    upstream.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert client.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"ab")
    assert upstream.exactly(2) == b"ab"
    upstream.send(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK)
    assert client.head() == b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    assert client.exactly(len(OK)) == OK


def test_an_old_client_gets_an_undivided_body_that_ends_by_closing(
    client: Wire, server: ScriptedServer
) -> None:
    client.send(b"GET / HTTP/1.0\r\nX-Request-Id: 1\r\n\r\n")
    upstream = server.accept()
    expected = b"GET / HTTP/1.1\r\nX-Request-Id: 1\r\nHost: 127.0.0.1:%d\r\n\r\n" % server.port
    assert upstream.head() == expected
    upstream.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
    assert client.rest() == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok"


def test_an_old_client_may_keep_its_connection(client: Wire, server: ScriptedServer) -> None:
    request = b"GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n"
    client.send(request)
    upstream = server.accept()
    for turn in range(2):
        if turn:
            client.send(request)
        upstream.head()
        upstream.send(OK)
        assert b"Connection: keep-alive" in client.head()
        assert client.exactly(2) == b"ok"


def test_an_old_server_that_ends_by_closing_gives_a_whole_answer(
    client: Wire, server: ScriptedServer
) -> None:
    client.send(GET)
    upstream = server.accept()
    upstream.head()
    upstream.send(b"HTTP/1.0 200 OK\r\n\r\nall of it")
    upstream.close()
    assert client.rest() == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it"


def test_a_client_that_shuts_its_sending_side_gets_its_answers(
    client: Wire, server: ScriptedServer
) -> None:
    client.send(GET + GET)
    client.shut()
    upstream = server.accept()
    for _ in range(2):
        upstream.head()
        upstream.send(OK)
    assert client.rest() == OK + OK


def test_an_early_answer_reaches_a_client_that_still_sends(
    client: Wire, server: ScriptedServer
) -> None:
    client.send(POST + b"Content-Length: 1000000\r\n\r\n" + b"a" * 1000)
    upstream = server.accept()
    upstream.head()
    upstream.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
    upstream.close()
    client.send(b"a" * 100_000)
    answer = read_answer(client)
    assert (answer.status, answer.body) == (413, b"big")
    assert answer.header("connection") == "close"


def test_a_request_id_is_added_where_none_was_sent(client: Wire, server: ScriptedServer) -> None:
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    upstream = server.accept()
    sent = upstream.head()
    upstream.send(OK)
    answer = client.head()
    line = next(line for line in sent.split(b"\r\n") if line.startswith(b"X-Request-Id: "))
    assert len(line) == len("X-Request-Id: ") + 36
    assert line in answer.split(b"\r\n")


def test_a_servers_own_request_id_is_left_alone(client: Wire, server: ScriptedServer) -> None:
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    upstream = server.accept()
    upstream.head()
    answer = b"HTTP/1.1 200 OK\r\nx-request-id: mine\r\nContent-Length: 0\r\n\r\n"
    upstream.send(answer)
    assert client.head() == answer


def test_the_request_id_can_be_kept_from_the_client(server: ScriptedServer) -> None:
    with running_proxy(server.port, return_request_id=False) as proxy:
        client = proxy.connect()
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        upstream = server.accept()
        assert b"X-Request-Id: " in upstream.head()
        upstream.send(OK)
        assert client.exactly(len(OK)) == OK
        client.close()


def test_an_absolute_target_names_the_host(client: Wire, server: ScriptedServer) -> None:
    client.send(b"GET http://real:1/v2?a HTTP/1.1\r\nX-Request-Id: 1\r\nHost: other\r\n\r\n")
    expected = b"GET /v2?a HTTP/1.1\r\nHost: real:1\r\nX-Request-Id: 1\r\n\r\n"
    assert server.accept().head() == expected


def test_requests_of_two_clients_never_share_a_connection_at_once(
    proxy: RunningProxy, server: ScriptedServer
) -> None:
    first, second = proxy.connect(), proxy.connect()
    first.send(GET.replace(b"/v2", b"/first"))
    one = server.accept()
    second.send(GET.replace(b"/v2", b"/second"))
    two = server.accept()
    assert b"/first" in one.head()
    assert b"/second" in two.head()
    two.send(OK.replace(b"ok", b"22"))
    one.send(OK.replace(b"ok", b"11"))
    assert first.until(b"11").endswith(b"11")
    assert second.until(b"22").endswith(b"22")
    first.close()
    second.close()
