"""The notes of one member of a group: written beside its commits, found again, cleared away."""

from __future__ import annotations

from collections.abc import Callable
from zlib import crc32

from sidelight.errors import LogError, LogUnreachable, OffsetOutOfRange
from sidelight.log.contract import Address, Claim, Reader
from sidelight.log.kafka import notes
from sidelight.log.kafka.appender import Appender, Message
from sidelight.log.kafka.facts import Facts
from sidelight.log.topics import STATE


class Notebook:
    """Where notes go that an offset cannot carry: the topic ``state``."""

    def __init__(self, reader: Reader, appender: Appender, state: Callable[[], Facts]) -> None:
        self._reader = reader
        self._appender = appender
        self._state = state

    def put(self, owner: str, parts: dict[bytes, bytes | None]) -> list[int]:
        """Write records by key, None to delete, and return their offsets."""
        state = self._state()
        where = self._where(owner, state)
        return self._appender.send(
            state, [Message(where, key, value) for key, value in parts.items()]
        )

    def read(self, owner: str, text: str) -> bytes | None:
        """The note of a committed text; None when it is gone, because another was committed."""
        found = notes.parse(text)
        if isinstance(found, bytes):
            return found
        where = self._where(owner, self._state())
        try:
            parts = [self._part(where, offset) for offset in found.offsets]
        except OffsetOutOfRange:
            return None
        return notes.join(found, parts)

    def _part(self, where: int, offset: int) -> bytes:
        return self._reader.get(Address(STATE, where, offset)).record.value

    @staticmethod
    def _where(owner: str, state: Facts) -> int:
        return crc32(owner.encode()) % state.partitions


class Page:
    """What one claim writes: never where a note is committed, or may be.

    Nor under a key that is to be deleted, or that a request without an answer may still write: then
    the token is given up for a new one. Connections that stood still deliver such requests late.
    """

    def __init__(self, book: Notebook, owner: str, claim: Claim) -> None:
        self.claim = claim
        self.certain = False
        self._book = book
        self._owner = owner
        self._token = notes.new_token()
        self._most_chunks = 0
        self._committed: int | None = None
        self._written: int | None = None
        self._stale: set[bytes] = set()

    def settle(self, text: str | None) -> None:
        """Take over what is committed now: by a predecessor, or by us without an answer."""
        found = notes.parse(text or "")
        self._committed = None
        if isinstance(found, notes.Stored) and found.token == self._token:
            self._committed = found.place
        elif isinstance(found, notes.Stored):
            self._stale.update(notes.keys_of(self._owner, found.token, found.most_chunks))
        self.certain = True

    def write(self, note: bytes) -> str:
        """Put the note where it survives; the text to commit."""
        self.certain = False
        if len(note) <= notes.INLINE_BYTES:
            self._written = None
            return notes.inline(note)
        self._written = place = self._free_place()
        parts = notes.chunks(note)
        self._most_chunks = max(self._most_chunks, len(parts))
        try:
            offsets = self._book.put(self._owner, dict(zip(self._keys(place), parts, strict=False)))
        except LogUnreachable:
            self._give_up_token()
            raise
        return notes.Stored(
            self._token, place, self._most_chunks, len(note), crc32(note), tuple(offsets)
        ).text()

    def committed(self) -> None:
        """The text is committed; delete what it has replaced."""
        self.certain = True
        self._committed = self._written
        if self._written is None and self._most_chunks:
            self._give_up_token()
        if self._stale:
            try:
                self._book.put(self._owner, dict.fromkeys(sorted(self._stale)))
            except LogError:
                return  # The commit stands; they are deleted after another one.
            self._stale.clear()

    def _give_up_token(self) -> None:
        """What stands under it is deleted after the next commit, which points elsewhere."""
        self._stale.update(notes.keys_of(self._owner, self._token, self._most_chunks))
        self._token, self._most_chunks = notes.new_token(), 0
        self._committed = self._written = None

    def _free_place(self) -> int:
        return next(p for p in range(notes.PLACES) if p not in (self._committed, self._written))

    def _keys(self, place: int) -> list[bytes]:
        return [
            notes.key(self._owner, self._token, place, chunk) for chunk in range(self._most_chunks)
        ]
