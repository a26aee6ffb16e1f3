"""Field lines (headers and trailers): the strict grammar, and what of them concerns one hop only.

Source: RFC 9110 sections 5 and 7.6.1, RFC 9112 section 5. Nothing is repaired: a line that two
readers could understand differently is refused, since that is how requests are smuggled.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from sidelight_logger.correlation import REQUEST_ID, TRACEPARENT, Ids
from sidelight_logger.proxy.refusal import Refusal, show

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"

_BLOCK = re.compile(rb"(?:%b:[\t\x20-\x7e\x80-\xff]*+\r\n)*+\r\n" % TOKEN)
_NAME = re.compile(TOKEN)
_DIGITS = re.compile(rb"[0-9]{1,18}")
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")

_ONE_HOP = frozenset(
    (
        *(b"connection", b"keep-alive", b"proxy-connection", b"te", b"transfer-encoding"),
        *(b"upgrade", b"http2-settings"),
    )
)
_NOTED = _ONE_HOP.union(
    (b"content-length", b"host", b"expect", b"k-network-probe", REQUEST_ID, TRACEPARENT)
)
_NEVER_TRAILERS = _ONE_HOP | {b"content-length", b"host"}
_NOT_FOR_ONE_HOP = (b"host", b"content-length", b"cache-control")
_NAMES_NO_FIELD_TO_DROP = _ONE_HOP.union((b"close", b""), _NOT_FOR_ONE_HOP)


class Fields(NamedTuple):
    """The lines that go on to the next hop, and the values of the names a proxy must heed."""

    lines: list[bytes]
    noted: dict[bytes, list[bytes]]
    options: frozenset[bytes]
    """What `Connection` says, in lower case."""


def find_head(data: bytes, searched: int, limit: int) -> int:
    """Where the head that begins `data` ends (after its blank line), 0 when more must come."""
    end = data.find(b"\r\n\r\n", max(searched - 3, 0)) + 4
    if end == 3:
        if _BARE_LINE_FEED.search(data, max(searched - 1, 0)):
            raise Refusal("a line of the head ends in a line feed without a carriage return")
        if len(data) <= limit:
            return 0
    if end == 3 or end > limit:
        raise Refusal(f"the head is larger than {limit} bytes", 431)
    return end


def parse_fields(raw: bytes, start: int, max_fields: int) -> Fields:
    """Read the field lines from `start` to the blank line that ends `raw`."""
    if _BLOCK.fullmatch(raw, start) is None:
        raise Refusal(_diagnosis(raw[start:-4]))
    lines: list[bytes] = []
    noted: dict[bytes, list[bytes]] = {}
    found = raw[start:-4].split(b"\r\n") if len(raw) - start > 2 else []
    if len(found) > max_fields:
        raise Refusal(f"{len(found)} header fields; at most {max_fields} are taken", 431)
    for line in found:
        name, _, value = line.partition(b":")
        name = name.lower()
        if name in _NOTED:
            noted.setdefault(name, []).append(value.strip(b" \t"))
            if name in _ONE_HOP:
                continue
        lines.append(line)
    options = _NO_OPTIONS
    if b"connection" in noted:
        options = _members(b",".join(noted[b"connection"]))
        if not options <= _NAMES_NO_FIELD_TO_DROP:
            lines = _without(lines, options - _NAMES_NO_FIELD_TO_DROP)
    return Fields(lines, noted, options)


_NO_OPTIONS: frozenset[bytes] = frozenset()


def content_length(fields: Fields) -> int | None:
    """The one `Content-Length`; a repeated equal one is dropped from the lines."""
    values = fields.noted.get(b"content-length")
    if values is None:
        return None
    value = values[0]
    if _DIGITS.fullmatch(value) is None:
        raise Refusal(f"Content-Length {show(value)} is not a number")
    if len(values) > 1:
        if any(other != value for other in values):
            raise Refusal("several Content-Length fields that differ")
        fields.lines[:] = [
            *_without(fields.lines, {b"content-length"}),
            b"Content-Length: " + value,
        ]
    return int(value)


def is_chunked(fields: Fields) -> bool:
    """Whether the body comes in chunks; any other transfer coding is refused."""
    values = fields.noted.get(b"transfer-encoding")
    if values is None:
        return False
    if len(values) > 1 or values[0].lower() != b"chunked":
        raise Refusal(f"Transfer-Encoding {show(b', '.join(values))}; only 'chunked' is taken")
    if b"content-length" in fields.noted:
        raise Refusal("both Transfer-Encoding and Content-Length")
    return True


def offers(fields: Fields, name: bytes) -> frozenset[bytes]:
    """The members of a noted list field, in lower case."""
    return _members(b",".join(fields.noted.get(name, ())))


def ids(fields: Fields) -> Ids:
    """What correlates the message with others; of a field that is repeated, all values."""
    noted = fields.noted
    return Ids(
        b", ".join(noted[REQUEST_ID]) if REQUEST_ID in noted else None,
        b", ".join(noted[TRACEPARENT]) if TRACEPARENT in noted else None,
    )


def check_trailers(raw: bytes, max_fields: int) -> None:
    """Refuse trailers that would change how a message is read had they come as headers."""
    forbidden = parse_fields(raw, 0, max_fields).noted.keys() & _NEVER_TRAILERS
    if forbidden:
        raise Refusal(f"the field {show(min(forbidden))} may not be a trailer")


@lru_cache(maxsize=64)
def _members(value: bytes) -> frozenset[bytes]:
    return frozenset(part.strip(b" \t").lower() for part in value.split(b","))


def _without(lines: list[bytes], names: frozenset[bytes] | set[bytes]) -> list[bytes]:
    return [line for line in lines if line.partition(b":")[0].lower() not in names]


def _diagnosis(block: bytes) -> str:
    for line in block.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if b"\n" in line or b"\r" in line:
            return f"a carriage return or line feed by itself in {show(line)}"
        if line[:1] in (b" ", b"\t"):
            return f"a folded header line {show(line)}"
        if not colon:
            return f"a header line without a colon: {show(line)}"
        if name != name.rstrip(b" \t"):
            return f"whitespace between a header name and its colon: {show(line)}"
        if _NAME.fullmatch(name) is None:
            return f"{show(name)} is no header name"
        if _CONTROL.search(value):
            return f"a control character in the value of header {show(name)}"
    return "the header lines do not follow the grammar"


_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
