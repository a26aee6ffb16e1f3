"""Heads of HTTP/2 as the text that HTTP/1 would send, for whoever reads captures."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sidelight_logger.correlation import REQUEST_ID, TRACEPARENT, Ids
from sidelight_logger.proxy.fields import TOKEN

_NAME = re.compile(TOKEN)
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_CORRELATING = (REQUEST_ID, TRACEPARENT)
_NO_WORD = re.compile(rb"[^\x21-\x7e]")


@dataclass(frozen=True, slots=True)
class Head:
    """A head, or trailers when `line` is empty; each line ends with CR LF."""

    line: bytes
    lines: bytes
    ids: Ids
    interim: bool
    """A status below 200: the answer is still to come."""


def read_head(fields: Iterable[tuple[bytes, bytes]]) -> Head:
    """From decoded fields, pseudo-fields among them.

    The peer has not judged them yet, and the text is read by lines: no value may forge one.
    """
    special: dict[bytes, bytes] = {}
    lines: list[bytes] = []
    found: dict[bytes, bytes] = {}
    for name, value in fields:
        if name[:1] == b":":
            special[name] = _NO_WORD.sub(b"?", value)
        elif _NAME.fullmatch(name):
            value = _CONTROL.sub(b" ", value)
            lines.append(b"%b: %b\r\n" % (name, value))
            if name in _CORRELATING:
                found.setdefault(name, value.strip(b" "))
    if authority := special.get(b":authority"):
        lines.insert(0, b"host: %b\r\n" % authority)
    line = _start(special)
    ids = Ids(found.get(REQUEST_ID), found.get(TRACEPARENT))
    return Head(line, b"".join(lines), ids, line[:8] == b"HTTP/2 1")


def _start(special: dict[bytes, bytes]) -> bytes:
    if method := special.get(b":method"):
        target = special.get(b":path") or special.get(b":authority") or b"?"
        return b"%b %b HTTP/2\r\n" % (method, target)
    status = special.get(b":status")
    return b"HTTP/2 %b \r\n" % status if status else b""
