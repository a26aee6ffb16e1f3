"""Heads as the recorder reads them, written from what the server read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from sidelight_logger.correlation import REQUEST_ID, TRACEPARENT, Ids

Fields = Iterable[tuple[bytes, bytes]]


class RequestHead(NamedTuple):
    """`length` is that of the body, as far as the client has told it."""

    raw: bytes
    ids: Ids
    length: int
    bodiless: bool
    """The answer's body goes no further than the server."""


def request_head(scope: Mapping[str, Any]) -> RequestHead:
    """The head of an ASGI request, without its query, which is never kept."""
    method = scope["method"].encode()
    # Servers differ in whether they leave the query on; some have no raw path at all.
    path = (scope.get("raw_path") or quote(scope["path"]).encode()).partition(b"?")[0]
    version = scope.get("http_version", "1.1").encode()
    headers = scope["headers"]
    told = dict(headers)
    length = told.get(b"content-length", b"")
    return RequestHead(
        _head(b"%b %b HTTP/%b" % (method, path.replace(b" ", b"%20"), version), headers),
        Ids(told.get(REQUEST_ID), told.get(TRACEPARENT)),
        int(length) if length.isdigit() else 0,
        method == b"HEAD",
    )


def response_head(status: int, headers: Fields) -> bytes:
    """The head of an ASGI answer."""
    return _head(b"HTTP/1.1 %d " % status, headers)


def with_trailers(head: bytes, trailers: Fields) -> bytes:
    """The head with the trailers behind its fields."""
    return head[:-2] + _head(b"", trailers)[2:]


def _head(line: bytes, fields: Fields) -> bytes:
    lines = [line, *[b"%b: %b" % (name, value) for name, value in fields], b"", b""]
    head = b"\r\n".join(lines)
    if head.count(b"\n") == len(lines) - 1:
        return head
    # An application wrote a field with a line's end in it, which would make a field of the rest.
    clean = [b" ".join(line.split(b"\n")).replace(b"\r", b" ") for line in lines]
    return b"\r\n".join(clean)
