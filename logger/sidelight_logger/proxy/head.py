"""Request and response heads: read strictly, and written for the next hop.

Source: RFC 9112 sections 2 to 6. The start line is written anew, end-to-end fields go on byte for
byte, and what concerns one hop (`fields`) is settled on each side by itself.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from sidelight_logger.correlation import NO_IDS, Ids
from sidelight_logger.proxy.fields import (
    TOKEN,
    Fields,
    content_length,
    ids,
    is_chunked,
    offers,
    parse_fields,
)
from sidelight_logger.proxy.refusal import Refusal, show

_REQUEST_LINE = re.compile(rb"(%b) ([\x21-\x7e]++) HTTP/1\.([01])\r\n" % TOKEN)
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])( [\t\x20-\x7e\x80-\xff]*+)?\r\n")
_VERSION = re.compile(rb"HTTP/[0-9](\.[0-9])?")
_ABSOLUTE = re.compile(rb"(?i:https?)://([^/?#]++)(.*)")
_HOST = re.compile(rb"[0-9A-Za-z._~%!$&'()*+,;=:\[\]\-]*")


class RequestHead(NamedTuple):
    """What a proxy must know of a request; `length` is None for a chunked body."""

    method: bytes
    target: bytes
    modern: bool
    """HTTP/1.1, not 1.0."""
    persistent: bool
    length: int | None
    ids: Ids
    """What the client sent of them."""
    hosted: bool
    """It named a `Host`."""
    wire: bytes
    """Start line and end-to-end fields as they go on."""
    probing: bool = False
    """Kubelet asks KServe's agent, not the model server."""


class ResponseHead(NamedTuple):
    """What a proxy must know of a response; no `length` and not `chunked`: it ends by closing."""

    status: int
    persistent: bool
    length: int | None
    chunked: bool
    ids: Ids
    wire: bytes


_CACHED_HEADS = 128
_CACHED_BYTES = 2 << 10
"""Clients and servers say the same again and again: most heads differ in their date at most."""


def parse_request(raw: bytes, max_fields: int) -> RequestHead:
    """Read a whole head, start line to blank line."""
    short = len(raw) <= _CACHED_BYTES
    return _recent_request(raw, max_fields) if short else _read_request(raw, max_fields)


def parse_response(raw: bytes, max_fields: int) -> ResponseHead:
    """Read a whole head, start line to blank line."""
    short = len(raw) <= _CACHED_BYTES
    return _recent_response(raw, max_fields) if short else _read_response(raw, max_fields)


def _read_request(raw: bytes, max_fields: int) -> RequestHead:
    line = _REQUEST_LINE.match(raw)
    if line is None:
        raise _bad_request_line(raw.partition(b"\r\n")[0])
    method, target, minor = line.groups()
    modern = minor == b"1"
    fields = parse_fields(raw, line.end(), max_fields)
    target = _settle_target(method, target, fields)
    _check_host(fields, modern)
    _settle_upgrade(fields)
    if b"te" in fields.noted and b"trailers" in offers(fields, b"te"):
        fields.lines.append(b"TE: trailers\r\nConnection: TE")
    if not modern and b"expect" in fields.noted:
        fields.lines[:] = [line for line in fields.lines if line[:7].lower() != b"expect:"]
    length = _request_length(fields, modern)
    return RequestHead(
        method,
        target,
        modern,
        _is_persistent(fields.options, modern),
        length,
        ids(fields),
        b"host" in fields.noted,
        b"\r\n".join((b"%b %b HTTP/1.1" % (method, target), *fields.lines, b"")),
        method in (b"GET", b"HEAD") and b"queue" in fields.noted.get(b"k-network-probe", ()),
    )


def _read_response(raw: bytes, max_fields: int) -> ResponseHead:
    line = _STATUS_LINE.match(raw)
    if line is None:
        found = raw.partition(b"\r\n")[0]
        raise Refusal(f"{show(found)} is no status line")
    minor, status, reason = line.groups()
    modern = minor == b"1"
    fields = parse_fields(raw, line.end(), max_fields)
    chunked = is_chunked(fields)
    if chunked and not modern:
        raise Refusal("Transfer-Encoding in an HTTP/1.0 message")
    length = content_length(fields)
    return ResponseHead(
        int(status),
        _is_persistent(fields.options, modern),
        length,
        chunked,
        ids(fields),
        b"\r\n".join((b"HTTP/1.1 %b%b" % (status, reason or b" "), *fields.lines, b"")),
    )


_recent_request = lru_cache(_CACHED_HEADS)(_read_request)
_recent_response = lru_cache(_CACHED_HEADS)(_read_response)


def forward_request(head: RequestHead, *, authority: str, given: Ids) -> bytes:
    """The head for the upstream; `authority` serves an old client that names no host."""
    lines = [head.wire]
    if not head.hosted:
        lines.append(b"Host: %b\r\n" % authority.encode())
    if head.length is None:
        lines.append(b"Transfer-Encoding: chunked\r\n")
    if given is not NO_IDS:
        lines += field_lines(given, NO_IDS)
    lines.append(b"\r\n")
    return b"".join(lines)


def field_lines(given: Ids, head: Ids) -> list[bytes]:
    """What was given and the head lacks, as lines of it."""
    lines = []
    if given.request_id is not None and head.request_id is None:
        lines.append(b"X-Request-Id: %b\r\n" % given.request_id)
    if given.traceparent is not None and head.traceparent is None:
        lines.append(b"traceparent: %b\r\n" % given.traceparent)
    return lines


def forward_response(head: ResponseHead, extra: list[bytes]) -> bytes:
    """The head for the client, with the lines of this hop."""
    return b"".join((head.wire, *extra, b"\r\n"))


def _settle_target(method: bytes, target: bytes, fields: Fields) -> bytes:
    if target[:1] == b"/" or (target == b"*" and method == b"OPTIONS"):
        return target
    absolute = _ABSOLUTE.fullmatch(target)
    if method == b"CONNECT" or absolute is None:
        raise Refusal(f"the request target {show(target)} does not begin with '/'")
    authority, rest = absolute.groups()
    fields.noted[b"host"] = [authority]
    others = [line for line in fields.lines if line[:5].lower() != b"host:"]
    fields.lines[:] = [b"Host: " + authority, *others]
    return rest if rest[:1] == b"/" else b"/" + rest


def _check_host(fields: Fields, modern: bool) -> None:
    hosts = fields.noted.get(b"host", ())
    if len(hosts) > 1 or (modern and not hosts):
        raise Refusal(f"{len(hosts)} Host fields; one is required")
    if hosts and not _is_host(hosts[0]):
        raise Refusal(f"Host {show(hosts[0])} is no host")


@lru_cache(maxsize=64)
def _is_host(value: bytes) -> bool:
    return _HOST.fullmatch(value) is not None


def _settle_upgrade(fields: Fields) -> None:
    """An offer may be passed over (h2c), save where the client can do nothing without it."""
    if b"upgrade" in fields.noted and b"websocket" in offers(fields, b"upgrade"):
        raise Refusal("websockets are not proxied; connect to the model server itself", 501)


def _request_length(fields: Fields, modern: bool) -> int | None:
    if is_chunked(fields):
        if not modern:
            raise Refusal("Transfer-Encoding in an HTTP/1.0 message")
        return None
    return content_length(fields) or 0


def _is_persistent(options: frozenset[bytes], modern: bool) -> bool:
    return b"close" not in options and (modern or b"keep-alive" in options)


def _bad_request_line(line: bytes) -> Refusal:
    version = line.rpartition(b" ")[2]
    if _VERSION.fullmatch(version) and not version.startswith(b"HTTP/1."):
        return Refusal(f"{show(version)} is not spoken here; use HTTP/1.1", 505)
    return Refusal(f"{show(line)} is no request line: METHOD /path HTTP/1.1")
