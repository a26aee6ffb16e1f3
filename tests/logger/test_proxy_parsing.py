"""Heads and bodies under random shapes and cuts, held against two independent parsers."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

import h11
import httptools
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidelight.errors import ConfigError
from sidelight.upstreams import Upstream, parse_upstream
from sidelight_logger.correlation import NO_IDS
from sidelight_logger.proxy.body import Body, Chunked, Sized, request_body
from sidelight_logger.proxy.fields import find_head
from sidelight_logger.proxy.head import (
    forward_request,
    forward_response,
    parse_request,
    parse_response,
)
from sidelight_logger.proxy.refusal import Refusal
from sidelight_logger.proxy.settings import Limits

LIMITS = Limits()

TRICKY_LINES = st.sampled_from(
    [
        *(b"Host: a", b"host: b", b"Host:", b"Content-Length: 3", b"content-length:3 "),
        *(b"Content-Length: 03", b"Content-Length: 3, 3", b"Content-Length: 3\x0b"),
        *(b"Transfer-Encoding: chunked", b"Transfer-Encoding:\tCHUNKED\t", b"Transfer-Encoding:"),
        *(b"transfer-encoding: identity", b"Transfer-Encoding : chunked", b"Upgrade: h2c"),
        *(b"Connection: close", b"Connection: keep-alive, upgrade", b"Connection: host, x-a, te"),
        *(b"Expect: 100-continue", b"TE: trailers", b"X-A: 1", b"X-A:", b" folded", b"", b"\tx"),
        *(b"X-Request-Id: 5", b"X: \xe9\xa0", b"X\xe9: 1", b"X: \x00", b"X: a\rb", b"no colon"),
        *(b"Content-Length\x00: 3", b": 3", b"X-A: a\nContent-Length: 9", b"Trailer: X"),
    ]
)
START_LINES = st.sampled_from(
    [
        *(b"GET / HTTP/1.1", b"POST /infer?a=b HTTP/1.1", b"HEAD /%20 HTTP/1.1"),
        *(b"POST /infer HTTP/1.0", b"OPTIONS * HTTP/1.1", b"GET http://h/x HTTP/1.1"),
        *(b"GET  / HTTP/1.1", b"GET / HTTP/1.2", b"G\xe9T / HTTP/1.1", b"M-SEARCH / HTTP/1.1"),
    ]
)


@dataclass
class HttptoolsReading:
    """One request as llhttp reads it."""

    body: bytes = b""
    target: bytes = b""
    names: list[bytes] = field(default_factory=list)
    complete: int = 0

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.names.append(name.lower())

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete += 1


def read_by_h11(wire: bytes) -> tuple[h11.Request, bytes]:
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(wire)
    request = connection.next_event()
    assert isinstance(request, h11.Request)
    body = b""
    while isinstance(event := connection.next_event(), h11.Data):
        body += event.data
    assert isinstance(event, h11.EndOfMessage)
    assert connection.trailing_data[0] == b""
    return request, body


@given(START_LINES, st.booleans(), st.lists(TRICKY_LINES, max_size=3))
@example(b"POST / HTTP/1.1", True, [b"Content-Length: 3"])
@example(b"POST / HTTP/1.1", True, [b"Transfer-Encoding: chunked", b"TE: trailers"])
@example(b"POST / HTTP/1.0", False, [b"Expect: 100-continue", b"Content-Length: 3"])
def test_whatever_is_forwarded_is_read_alike_by_two_other_parsers(
    start: bytes, hosted: bool, lines: list[bytes]
) -> None:
    raw = b"\r\n".join([start, *([b"Host: a"] if hosted else []), *lines, b"", b""])
    try:
        raw = raw[: find_head(raw, 0, LIMITS.head_bytes)]
        head = parse_request(raw, LIMITS.head_fields)
        body = request_body(head, LIMITS)
        payload, _ = body.feed(b"abc" if head.length is not None else b"3\r\nabc\r\n0\r\n\r\n")
    except Refusal:
        return
    wire = forward_request(head, authority="h:1", given=NO_IDS) + body.frame(payload)
    request, read = read_by_h11(wire)
    assert (request.method, request.target, read) == (head.method, head.target, payload)
    reading = HttptoolsReading()
    parser = httptools.HttpRequestParser(reading)
    parser.feed_data(wire)
    assert (parser.get_method(), reading.target) == (head.method, head.target)
    assert (reading.body, reading.complete) == (payload, 1)
    assert reading.names.count(b"host") == 1


@given(st.binary(max_size=300))
@example(b"GET / HTTP/1.1\r\nHost: \r\n\r\n")
def test_any_bytes_are_a_head_or_a_refusal(data: bytes) -> None:
    for parse in (parse_request, parse_response):
        with contextlib.suppress(Refusal):
            end = find_head(data + b"\r\n\r\n", 0, LIMITS.head_bytes)
            parse((data + b"\r\n\r\n")[:end], LIMITS.head_fields)


@given(st.data())
def test_a_body_of_any_chunks_cut_anywhere_is_the_same_body(data: st.DataObject) -> None:
    chunks = data.draw(st.lists(st.binary(min_size=1, max_size=40), max_size=8))
    trailers = data.draw(st.sampled_from([b"", b"X-Sum: 1\r\n", b"A: 1\r\nB:\r\n"]))
    size = data.draw(st.sampled_from([b"%x", b"%X", b"000%x", b"%x;name=value", b"%x ;n"]))
    wire = b"".join(size % len(chunk) + b"\r\n" + chunk + b"\r\n" for chunk in chunks)
    wire += b"0\r\n" + trailers + b"\r\n"
    after = data.draw(st.sampled_from([b"", b"GET / HTTP/1.1\r\n"]))
    body = Chunked(LIMITS)
    payload, framed, rest = fed(body, cut(data, wire + after))
    assert body.complete
    assert (payload, rest) == (b"".join(chunks), after)
    again = Chunked(LIMITS)
    assert again.feed(framed)[0] == payload
    assert framed.endswith(b"0\r\n" + trailers + b"\r\n")


@given(st.data())
def test_a_sized_body_ends_where_it_says(data: st.DataObject) -> None:
    payload = data.draw(st.binary(max_size=60))
    after = data.draw(st.binary(max_size=10))
    body = Sized(len(payload))
    assert fed(body, cut(data, payload + after)) == (payload, payload, after)


@given(st.data())
def test_a_head_is_found_however_it_is_cut(data: st.DataObject) -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    received = b""
    for piece in cut(data, head + b"rest"):
        searched = len(received)
        received += piece
        end = find_head(received, searched, LIMITS.head_bytes)
        assert end == (len(head) if len(received) >= len(head) else 0)
        if end:
            return


def cut(data: st.DataObject, wire: bytes) -> list[bytes]:
    at = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=12)))
    return [wire[start:end] for start, end in zip([0, *at], [*at, len(wire)], strict=True)]


def fed(body: Body, pieces: list[bytes]) -> tuple[bytes, bytes, bytes]:
    """Feed piece by piece: (payload, the same framed anew, what came after)."""
    payload = framed = rest = b""
    for piece in pieces:
        if body.complete:
            rest += piece
            continue
        part, rest = body.feed(piece)
        payload += part
        framed += body.frame(part)
    return payload, framed, rest


@given(
    st.integers(100, 999),
    st.binary(max_size=20).filter(
        lambda reason: not set(reason) & {*range(9), *range(10, 32), 127}
    ),
)
def test_a_status_line_is_kept(status: int, reason: bytes) -> None:
    raw = b"HTTP/1.1 %d %b\r\nX: 1\r\n\r\n" % (status, reason)
    assert forward_response(parse_response(raw, LIMITS.head_fields), []) == raw


@pytest.mark.parametrize("url", ["http://a", "http://a/", "http://[::1]:80"])
def test_an_upstream_is_a_host_and_a_port(url: str) -> None:
    assert parse_upstream(url).port == 80


def test_an_ipv6_upstream_is_written_with_brackets() -> None:
    assert Upstream("::1", 80).authority == "[::1]:80"


@pytest.mark.parametrize(
    "url", ["a:80", "https://a", "http://", "http://a/v2", "http://a?b", "http://u@a", "http://a:x"]
)
def test_an_upstream_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="upstream"):
        parse_upstream(url)
