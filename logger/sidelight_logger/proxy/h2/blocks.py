"""Header blocks: HPACK, read along with the peer they are meant for (RFC 7541).

Most calls of a connection repeat the block of the call before, byte for byte. As long as the table
that a block refers to is the same, so is its meaning: it is read once.
"""

from __future__ import annotations

from hpack import Decoder, HPACKError, OversizedHeaderListError

from sidelight_logger.proxy.h2.frames import COMPRESSION_ERROR, ENHANCE_YOUR_CALM, Violation
from sidelight_logger.proxy.h2.heads import Head, read_head

_KEPT_BLOCKS = 128
_KEPT_BYTES = 4 << 10
"""Of a block and what it says: else one connection could hold many megabytes of them."""
_TABLE_BYTES = 64 << 10
"""A table may grow to this size if both peers agree; usual are 4 KiB."""


class Blocks:
    """The blocks that one side sends, in their order."""

    def __init__(self, head_bytes: int) -> None:
        self._decoder = Decoder(max_header_list_size=head_bytes)
        self._read: dict[bytes, Head] = {}

    def read(self, block: bytes) -> Head:
        """Raises `Violation` for what no peer can read, and for a head above the limit."""
        head = self._read.get(block)
        return self._decode(block) if head is None else head

    def allow_table(self, size: int) -> None:
        """The peer that reads these blocks announced the size of its table."""
        allowed = self._decoder.max_allowed_table_size
        self._decoder.max_allowed_table_size = max(allowed, min(size, _TABLE_BYTES))

    def _decode(self, block: bytes) -> Head:
        before = self._table()
        try:
            head = read_head(self._decoder.decode(block, raw=True))
        except OversizedHeaderListError as exc:
            raise Violation(f"a head is too long: {exc}", ENHANCE_YOUR_CALM) from exc
        except HPACKError as exc:
            raise Violation(f"a header block cannot be read: {exc}", COMPRESSION_ERROR) from exc
        newest, *sizes = self._table()
        if newest is not before[0] or sizes != list(before[1:]) or len(self._read) == _KEPT_BLOCKS:
            self._read.clear()
        elif len(block) + len(head.line) + len(head.lines) <= _KEPT_BYTES:
            self._read[block] = head
        return head

    def _table(self) -> tuple[object, int, int]:
        """What differs whenever the table has changed: an entry that is added is a new object."""
        table = self._decoder.header_table
        entries = table.dynamic_entries
        return (entries[0] if entries else None), len(entries), table.maxsize


def literal(name: bytes, value: bytes) -> bytes:
    """A field that no table takes up, so that it may follow any block; both below 127 bytes."""
    return b"\0%c%b%c%b" % (len(name), name, len(value), value)
