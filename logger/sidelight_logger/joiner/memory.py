"""The halves of one partition that still matter: those that wait, and those to know again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sidelight.events.halves import Half

KNOWN_BYTES = 600
"""What it takes to know a half again: hash, key and places in tables (589 measured)."""
WAITING_BYTES = 1000
"""What a half that waits takes beside its body and attributes (430 measured)."""
ATTRIBUTE_BYTES = 150
"""What an attribute takes beside name and value (128 measured)."""

PairKey = tuple[str, ...]


@dataclass(slots=True)
class Held:
    """One half within its time to live.

    `half` is there while it waits. `is_disputed` says that its key has two requests or two answers
    at once: which belong together is not known.
    """

    offset: int
    time_ns: int
    key: PairKey
    half: Half | None = None
    is_disputed: bool = False
    bytes: int = KNOWN_BYTES


class Memory:
    """Halves in the order in which they came; `bytes` is what they take."""

    def __init__(self) -> None:
        self.bytes = 0
        self._known: dict[bytes, Held] = {}
        self._waiting: dict[PairKey, Held] = {}

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[Held]:
        return iter(self._known.values())

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._known

    @property
    def waiting(self) -> int:
        """Keys whose other side has not come."""
        return len(self._waiting)

    @property
    def oldest(self) -> Held | None:
        return next(iter(self), None)

    @property
    def longest_waiting(self) -> Held | None:
        return next(iter(self._waiting.values()), None)

    def waiting_for(self, key: PairKey) -> Held | None:
        return self._waiting.get(key)

    def know(self, digest: bytes, held: Held) -> None:
        self._known[digest] = held
        self.bytes += held.bytes

    def wait(self, held: Held, half: Half) -> None:
        """Keep the half until its other side comes."""
        held.half = half
        self._weigh(held, KNOWN_BYTES + _size(half))
        self._waiting[held.key] = held

    def dispute(self, held: Held) -> None:
        """Remember that nobody can say what belongs to this key."""
        held.is_disputed = True
        self._waiting[held.key] = held

    def settle(self, held: Held) -> None:
        """It was told: its key waits no more, its body is let go."""
        del self._waiting[held.key]
        held.half = None
        self._weigh(held, KNOWN_BYTES)

    def forget_oldest(self) -> Half | None:
        """Let go of what came first; the half, if it still waited."""
        held = self._known.pop(next(iter(self._known)))
        self.bytes -= held.bytes
        if self._waiting.get(held.key) is held:
            del self._waiting[held.key]
        return held.half

    def _weigh(self, held: Held, size: int) -> None:
        self.bytes += size - held.bytes
        held.bytes = size


def _size(half: Half) -> int:
    attributes = half.event.extensions.items()
    texts = sum(len(name) + len(str(value)) for name, value in attributes)
    return WAITING_BYTES + ATTRIBUTE_BYTES * len(attributes) + texts + len(half.event.data or b"")
