"""The note of a commit, in the text that Kafka keeps with an offset.

A small note is in the text itself. A larger one is on the topic ``state``, and the text says where:
its records are written first, then the offset with the text, in one request. ``state`` is
compacted, so no record that a commit points to may be superseded: each claim writes under a token
of its own, and never into the place of the note that is committed, or may be.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from zlib import crc32

from sidelight.errors import LogError

PLACES = 3
"""One for the committed note, one for what may have been committed, one to write."""
INLINE_BYTES = 2900
"""In base64 it stays below the 4096 characters that brokers take unless told otherwise."""
TEXT_CHARACTERS = 4000
CHUNK_BYTES = 900_000
"""One record on ``state``; with its key it fits the 1 MiB that a topic takes."""
_INLINE, _STORED = "=", "@"


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a large note is; `most_chunks` is the most that its token has used for one note."""

    token: str
    place: int
    most_chunks: int
    size: int
    checksum: int
    offsets: tuple[int, ...]

    def text(self) -> str:
        """Raises `LogError` when that is more than an offset can carry."""
        facts = (self.token, self.place, self.most_chunks, self.size, self.checksum)
        text = _STORED + ":".join([*map(str, facts), _ranges(self.offsets)])
        if len(text) > TEXT_CHARACTERS:
            raise LogError(
                f"a note of {self.size} bytes lies in too many places to be committed; "
                "make it smaller, or try again while less is written to the topic 'state'"
            )
        return text

    @classmethod
    def parse(cls, text: str) -> Stored:
        token, place, most, size, checksum, ranges = text[1:].split(":")
        return cls(token, int(place), int(most), int(size), int(checksum), tuple(_numbers(ranges)))


def new_token() -> str:
    """Tells one claim's notes from those of whoever had the partition before."""
    return secrets.token_hex(6)


def inline(note: bytes) -> str:
    """The text of a note of up to `INLINE_BYTES`."""
    return _INLINE + base64.b64encode(note).decode() if note else ""


def parse(text: str) -> bytes | Stored:
    """The note, or where it is; raises `LogError` for what another program has written."""
    try:
        if text.startswith(_STORED):
            return Stored.parse(text)
        if text and not text.startswith(_INLINE):
            raise ValueError("it begins with neither '=' nor '@'")
        return base64.b64decode(text[1:], validate=True)
    except (ValueError, binascii.Error) as exc:
        raise LogError(f"the note {text[:40]!r} was not written by Sidelight: {exc}") from exc


def chunks(note: bytes) -> list[bytes]:
    return [note[at : at + CHUNK_BYTES] for at in range(0, len(note), CHUNK_BYTES)]


def join(stored: Stored, found: list[bytes]) -> bytes | None:
    """The note, or None when that is not what was written."""
    note = b"".join(found)
    intact = len(note) == stored.size and crc32(note) == stored.checksum
    return note if intact else None


def key(owner: str, token: str, place: int, chunk: int) -> bytes:
    """The key on ``state``; `owner` is group, topic and partition."""
    return f"{owner}/{token}/{place}/{chunk}".encode()


def keys_of(owner: str, token: str, most_chunks: int) -> list[bytes]:
    """Every key that the token may have written.

    One chunk more than is known of, for a note that was written and never committed.
    """
    return [
        key(owner, token, place, chunk)
        for place in range(PLACES)
        for chunk in range(most_chunks + 1)
    ]


def _ranges(numbers: tuple[int, ...]) -> str:
    """``3,5-7`` for 3, 5, 6, 7."""
    gaps = [index for index, (a, b) in enumerate(pairwise(numbers), 1) if b != a + 1]
    bounds = pairwise([0, *gaps, len(numbers)])
    runs = [(numbers[begin], numbers[end - 1]) for begin, end in bounds]
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def _numbers(ranges: str) -> Iterator[int]:
    for run in ranges.split(","):
        first, _, last = run.partition("-")
        yield from range(int(first), int(last or first) + 1)
