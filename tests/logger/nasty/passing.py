"""The parsers of the proxy without its sockets: what of a stream of bytes would be forwarded."""

from __future__ import annotations

from dataclasses import dataclass

from sidelight_logger.correlation import NO_IDS
from sidelight_logger.proxy.body import Body, request_body, response_body
from sidelight_logger.proxy.fields import find_head
from sidelight_logger.proxy.head import (
    forward_request,
    forward_response,
    parse_request,
    parse_response,
)
from sidelight_logger.proxy.refusal import Refusal
from sidelight_logger.proxy.settings import Limits

LIMITS = Limits(head_bytes=4096, head_fields=64)


@dataclass(frozen=True)
class Passed:
    """A message that was complete: what it says, and how it goes on."""

    start: tuple[bytes, ...]
    """Method and target of a request, the status of an answer."""
    payload: bytes
    wire: bytes


def requests_in(stream: bytes, step: int) -> list[Passed]:
    """The whole requests up to the first that is refused or not complete, read `step` by `step`."""
    passed: list[Passed] = []
    try:
        while stream:
            if stream[:2] == b"\r\n":
                stream = stream[2:]
            raw, stream = _head(stream, step)
            head = parse_request(raw, LIMITS.head_fields)
            body = request_body(head, LIMITS)
            payload, framed, stream = _fed(body, stream, step)
            wire = forward_request(head, authority="h:1", given=NO_IDS) + framed
            passed.append(Passed((head.method, head.target), payload, wire))
    except (Refusal, EOFError):
        pass
    return passed


def answer_in(stream: bytes, method: bytes, step: int) -> Passed | None:
    """The final answer when it is whole; `stream` ends as its connection did."""
    try:
        while True:
            raw, stream = _head(stream, step)
            head = parse_response(raw, LIMITS.head_fields)
            if head.status >= 200:
                break
            if head.status == 101:
                return None
        body = response_body(head, method, LIMITS)
        chunked = head.chunked and not body.complete
        payload, framed, _ = _fed(body, stream, step, until_closed=True)
    except (Refusal, EOFError):
        return None
    extra = [b"Transfer-Encoding: chunked\r\n"] if chunked else []
    wire = forward_response(head, extra) + framed
    return Passed((b"%d" % head.status,), payload, wire)


def _head(stream: bytes, step: int) -> tuple[bytes, bytes]:
    searched = 0
    for size in [*range(step, len(stream), step), len(stream)]:
        if end := find_head(stream[:size], searched, LIMITS.head_bytes):
            return stream[:end], stream[end:]
        searched = size
    raise EOFError


def _fed(
    body: Body, stream: bytes, step: int, *, until_closed: bool = False
) -> tuple[bytes, bytes, bytes]:
    """(payload, as it goes on, what comes after)."""
    payload = framed = rest = b""
    at = 0
    while not body.complete and at < len(stream):
        part, rest = body.feed(stream[at : at + step])
        payload, framed, at = payload + part, framed + body.frame(part), at + step
    if not body.complete and not (until_closed and body.end()):
        raise EOFError
    return payload, framed or body.frame(b""), rest + stream[at:]
