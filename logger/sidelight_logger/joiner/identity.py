"""Names made of what they name: of a half, to know it again; of all that one fold says."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from sidelight.events.attributes import text_of
from sidelight.events.dataref import DATASHA256
from sidelight.events.exchange import Exchange
from sidelight.events.halves import Feedback, Half
from sidelight.log.contract import Record


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a half waits by the log's clock, and how many bytes may wait."""

    ttl_ns: int
    max_bytes: int


@dataclass(frozen=True)
class Account:
    """All that is said of one partition of `halves` from offset `begun` on, under these terms.

    Two processes that keep the same account say the same under the same numbers. Under other terms,
    or from another beginning, numbers mean something else, and the account has another name.
    """

    log_id: str
    partition: int
    begun: int
    terms: Terms

    @cached_property
    def name(self) -> str:
        """The `log_id` of what is said."""
        parts = (self.log_id, self.partition, self.begun, self.terms.ttl_ns, self.terms.max_bytes)
        return f"joiner-{self.partition}-{hashlib.sha256(repr(parts).encode()).hexdigest()[:16]}"


def digest_of(found: Half | Feedback | Exchange, record: Record) -> bytes:
    """Equal for what its sender sent twice: the same source, id, type and body."""
    match found:
        case Half():
            elsewhere = text_of(found.event.extensions.get(DATASHA256, ""))
            told = (*found.pair_key, found.event_id, found.side, elsewhere)
            body = found.event.data or b""
        case Feedback():
            told, body = (found.event.source, found.event.id), found.event.data or b""
        case Exchange():
            told, body = (found.source, found.id), record.value
    hashed = hashlib.blake2b(body, digest_size=16)
    hashed.update(repr(told).encode())
    return hashed.digest()
