"""gzip and deflate undone, never beyond a limit."""

from __future__ import annotations

import zlib

from sidelight.errors import LimitExceeded, MalformedPayload

_GZIP = 16 + zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS
_MAGIC = b"\x1f\x8b"


def decompressed(content: bytes, encoding: str, limit: int) -> bytes:
    """The bytes under a ``Content-Encoding`` of gzip, deflate or none.

    Gzip is also recognised by its first bytes: gateways lose the header. Never holds more than
    `limit` decompressed bytes. Raises `LimitExceeded` beyond it, `MalformedPayload` for another
    encoding and for bytes that are damaged, end early or go on after the end.
    """
    name = encoding.strip().lower()
    if name in ("gzip", "x-gzip") or (name in ("", "identity") and content.startswith(_MAGIC)):
        return _inflated(content, _GZIP, limit)
    if name == "deflate":
        return _inflated(content, zlib.MAX_WBITS if _has_zlib_head(content) else _RAW, limit)
    if name in ("", "identity"):
        return content
    raise MalformedPayload(
        f"content encoding {encoding[:40]!r} is not read; send gzip, deflate or none", where="body"
    )


def _has_zlib_head(content: bytes) -> bool:
    """RFC 1950; senders often leave it out and send RFC 1951 alone."""
    return len(content) > 1 and content[0] & 15 == 8 and int.from_bytes(content[:2]) % 31 == 0


def _inflated(content: bytes, window_bits: int, limit: int) -> bytes:
    machine = zlib.decompressobj(window_bits)
    try:
        found = machine.decompress(content, limit + 1)
    except zlib.error as exc:
        raise MalformedPayload(f"cannot be decompressed ({exc})", where="body") from exc
    if len(found) > limit:
        raise LimitExceeded(
            f"more than {limit} bytes when decompressed; send fewer rows at once", where="body"
        )
    if not machine.eof:
        raise MalformedPayload("compressed data ends early; send all of it", where="body")
    if machine.unused_data:
        raise MalformedPayload(
            f"{len(machine.unused_data)} bytes follow the compressed data; send one gzip member",
            where="body",
        )
    return found
