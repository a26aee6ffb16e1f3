"""Request and response heads as captured; the proxy refused all that are not well formed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sidelight.errors import MalformedPayload

Fields = Mapping[str, str]
"""Header fields by name in lower case; a repeated one is joined with commas."""


@dataclass(frozen=True, slots=True)
class RequestHead:
    """`path` is without its query, which may hold what must not be kept."""

    method: str
    path: str
    fields: Fields


@dataclass(frozen=True, slots=True)
class ResponseHead:
    status: int
    fields: Fields


def parse_request(raw: bytes) -> RequestHead:
    """Raises `MalformedPayload` for a head no proxy of ours would have let through."""
    line, fields = _parts(raw)
    words = line.split(" ")
    if len(words) != 3:
        raise MalformedPayload(f"{line[:64]!r} is no request line", where="request head")
    method, target, _ = words
    return RequestHead(method, _path(target), fields)


def parse_response(raw: bytes) -> ResponseHead:
    """Raises `MalformedPayload` likewise."""
    line, fields = _parts(raw)
    status = line.split(" ", 2)[1:2]
    if not (status and status[0].isascii() and status[0].isdigit() and len(status[0]) == 3):
        raise MalformedPayload(f"{line[:64]!r} is no status line", where="response head")
    return ResponseHead(int(status[0]), fields)


def whole_number(text: str | None) -> int | None:
    """What ``Inference-Header-Content-Length`` says; None when it says nothing usable."""
    usable = text is not None and text.isascii() and text.isdigit() and len(text) < 19
    return int(text) if text is not None and usable else None


def _parts(raw: bytes) -> tuple[str, Fields]:
    line, *lines = raw.decode("latin-1").split("\r\n")
    fields: dict[str, str] = {}
    for field in lines:
        name, colon, value = field.partition(":")
        if colon:
            name, value = name.lower(), value.strip(" \t")
            fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return line, fields


def _path(target: str) -> str:
    path = target.partition("?")[0]
    if path[:1] == "/":
        return path
    return "/" + path.partition("://")[2].partition("/")[2]
