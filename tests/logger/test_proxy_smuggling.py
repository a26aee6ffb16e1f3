"""Requests that two readers could understand differently are refused, and reach nobody.

The shapes are those of the request smuggling literature: CL.TE, TE.CL, TE.TE, TE.0, CL.0, chunk
extension and terminator variants, line ending and whitespace variants.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.logger.proxy_running import (
    RunningProxy,
    ScriptedServer,
    read_answer,
    running_proxy,
)

START = b"POST /infer HTTP/1.1\r\nHost: a\r\n"
CHUNKED = START + b"Transfer-Encoding: chunked\r\n\r\n"

HEADS = {
    "CL.TE": (START + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n", "both"),
    "TE.CL": (START + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n", "both"),
    "CL.CL": (START + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\n", "differ"),
    "CL list": (START + b"Content-Length: 4, 4\r\n\r\n", "not a number"),
    "CL sign": (START + b"Content-Length: +4\r\n\r\n", "not a number"),
    "CL minus": (START + b"Content-Length: -4\r\n\r\n", "not a number"),
    "CL hex": (START + b"Content-Length: 0x4\r\n\r\n", "not a number"),
    "CL space": (START + b"Content-Length: 4 4\r\n\r\n", "not a number"),
    "CL empty": (START + b"Content-Length:\r\n\r\n", "not a number"),
    "CL underscore": (START + b"Content-Length: 1_0\r\n\r\n", "not a number"),
    "CL other digits": (START + b"Content-Length: \xb2\r\n\r\n", "not a number"),
    "CL huge": (START + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n", "not a number"),
    "TE.TE": (START + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n", "only"),
    "TE twice": (START + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n", "only 'chunked'"),
    "TE list": (START + b"Transfer-Encoding: gzip, chunked\r\n\r\n", "only 'chunked'"),
    "TE identity": (START + b"Transfer-Encoding: identity\r\n\r\n", "only 'chunked'"),
    "TE quoted": (START + b'Transfer-Encoding: "chunked"\r\n\r\n', "only 'chunked'"),
    "TE prefix": (START + b"Transfer-Encoding: xchunked\r\n\r\n", "only 'chunked'"),
    "TE parameter": (START + b"Transfer-Encoding: chunked;a=b\r\n\r\n", "only 'chunked'"),
    "TE empty": (START + b"Transfer-Encoding:\r\n\r\n", "only 'chunked'"),
    "TE vertical tab": (START + b"Transfer-Encoding: \x0bchunked\r\n\r\n", "control character"),
    "TE no-break space": (START + b"Transfer-Encoding: \xa0chunked\r\n\r\n", "only 'chunked'"),
    "TE null": (START + b"Transfer-Encoding: chunked\x00\r\n\r\n", "control character"),
    "TE in 1.0": (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.0"),
    "space before colon": (START + b"Transfer-Encoding : chunked\r\n\r\n", "and its colon"),
    "tab before colon": (START + b"Content-Length\t: 4\r\n\r\n", "and its colon"),
    "space in name": (START + b"Content Length: 4\r\n\r\n", "no header name"),
    "null in name": (START + b"Content\x00-Length: 4\r\n\r\n", "no header name"),
    "other letter in name": (START + b"Content-L\xe9ngth: 4\r\n\r\n", "no header name"),
    "empty name": (START + b": 4\r\n\r\n", "no header name"),
    "no colon": (START + b"Content-Length\r\n\r\n", "without a colon"),
    "folded": (START + b"X: a\r\n Content-Length: 4\r\n\r\n", "folded"),
    "folded by tab": (START + b"Transfer-Encoding:\r\n\tchunked\r\n\r\n", "folded"),
    "first line folded": (b"POST / HTTP/1.1\r\n Host: a\r\nHost: a\r\n\r\n", "folded"),
    "bare LF": (START + b"X: a\nContent-Length: 4\r\n\r\n", "line feed"),
    "bare LF everywhere": (START.replace(b"\r", b"") + b"\n", "request line"),
    "bare CR": (START + b"X: a\rContent-Length: 4\r\n\r\n", "carriage return"),
    "CR CR LF": (START + b"X: a\r\r\nContent-Length: 4\r\n\r\n", "carriage return"),
    "null in value": (START + b"X: a\x00b\r\n\r\n", "control character"),
    "delete in value": (START + b"X: a\x7fb\r\n\r\n", "control character"),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", "0 Host fields"),
    "two hosts": (START + b"Host: b\r\n\r\n", "2 Host fields"),
    "spaced host": (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "no host"),
    "path in host": (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "no host"),
    "two spaces": (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "request line"),
    "tab in request line": (b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", "request line"),
    "space in target": (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "request line"),
    "null in target": (b"GET /a\x00 HTTP/1.1\r\nHost: a\r\n\r\n", "request line"),
    "trailing space": (b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "request line"),
    "leading space": (b" GET / HTTP/1.1\r\nHost: a\r\n\r\n", "request line"),
    "no version": (b"GET /\r\n\r\n", "request line"),
    "lower-case version": (b"GET / http/1.1\r\nHost: a\r\n\r\n", "request line"),
    "no slash": (b"GET infer HTTP/1.1\r\nHost: a\r\n\r\n", "begin with '/'"),
    "tunnel": (b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", "begin with '/'"),
    "garbage": (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", "request line"),
}

BODIES = {
    "no size": b"\r\nab\r\n0\r\n\r\n",
    "not hexadecimal": b"xyz\r\n",
    "0x": b"0x2\r\nab\r\n0\r\n\r\n",
    "sign": b"+2\r\nab\r\n0\r\n\r\n",
    "underscore": b"1_0\r\n" + b"a" * 16 + b"\r\n0\r\n\r\n",
    "space before size": b" 2\r\nab\r\n0\r\n\r\n",
    "space after size": b"2 \r\nab\r\n0\r\n\r\n",
    "line feed after size": b"2\nab\r\n0\r\n\r\n",
    "carriage return in extension": b"2;a\rb\r\nab\r\n0\r\n\r\n",
    "line feed in extension": b"2;a\nb\r\nab\r\n0\r\n\r\n",
    "null in extension": b"2;\x00\r\nab\r\n0\r\n\r\n",
    "size wraps 64 bits": b"10000000000000002\r\nab\r\n0\r\n\r\n",
    "long extension": b"2;" + b"a" * 5000,
    "data longer than size": b"2\r\nabc\r\n0\r\n\r\n",
    "line feed after data": b"2\r\nab\n0\r\n\r\n",
    "two bytes for the line end": b"2\r\nabXX0\r\n\r\n",
    "length as trailer": b"0\r\nContent-Length: 5\r\n\r\n",
    "coding as trailer": b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "folded trailer": b"0\r\nX: a\r\n b\r\n\r\n",
    "line feed in trailer": b"0\r\nX: a\nY: b\r\n\r\n",
    "space before trailer's colon": b"0\r\nX : a\r\n\r\n",
}


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def proxy(server: ScriptedServer) -> Iterator[RunningProxy]:
    with running_proxy(server.port) as running:
        yield running


def refused(proxy: RunningProxy, request: bytes, status: int = 400) -> str:
    client = proxy.connect()
    client.send(request)
    answer = read_answer(client)
    assert answer.status == status
    assert answer.header("connection") == "close"
    assert client.rest() == b""
    client.close()
    return str(json.loads(answer.body)["error"])


@pytest.mark.parametrize("name", HEADS)
def test_an_ambiguous_head_is_refused(
    name: str, proxy: RunningProxy, server: ScriptedServer
) -> None:
    head, why = HEADS[name]
    found = refused(proxy, head + b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
    assert why in found
    assert server.has_nobody(0.01)


@pytest.mark.parametrize("name", BODIES)
def test_an_ambiguous_chunk_is_refused(
    name: str, proxy: RunningProxy, server: ScriptedServer
) -> None:
    refused(proxy, CHUNKED + BODIES[name])
    assert server.has_nobody(0.01)


@pytest.mark.parametrize("version", [b"HTTP/2.0", b"HTTP/0.9", b"HTTP/3"])
def test_another_version_is_refused(version: bytes, proxy: RunningProxy) -> None:
    assert "HTTP/1.1" in refused(proxy, b"GET / %b\r\nHost: a\r\n\r\n" % version, 505)


def test_a_bad_chunk_in_the_middle_takes_the_request_back(
    proxy: RunningProxy, server: ScriptedServer
) -> None:
    client = proxy.connect()
    client.send(CHUNKED + b"2\r\nab\r\n")
    upstream = server.accept()
    upstream.until(b"ab\r\n")
    client.send(b"zz\r\n")
    assert read_answer(client).status == 400
    assert not upstream.rest().endswith(b"0\r\n\r\n")
    client.close()


def test_equal_lengths_are_sent_on_as_one(proxy: RunningProxy, server: ScriptedServer) -> None:
    client = proxy.connect()
    client.send(START + b"Content-Length: 2\r\nX-Request-Id: 1\r\ncontent-length: 2\r\n\r\nab")
    upstream = server.accept()
    assert upstream.until(b"ab") == START + b"X-Request-Id: 1\r\nContent-Length: 2\r\n\r\nab"
    client.close()


def test_a_blank_line_before_a_request_is_passed_over(
    proxy: RunningProxy, server: ScriptedServer
) -> None:
    client = proxy.connect()
    client.send(b"\r\n" + START + b"X-Request-Id: 1\r\n\r\n")
    assert server.accept().head() == START + b"X-Request-Id: 1\r\n\r\n"
    client.close()
