"""What a shipper counts for its sink, and the frame that tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from sidelight.errors import MalformedPayload
from sidelight_logger.wire.kinds import LENGTH, SINK

RETIRED = "retired"
"""Not shipped: retention took the records first."""
ABSENT = "absent"
"""Not shipped: the log has no record at these offsets (damage)."""
UNTOLD = "untold"
"""Refused by the sink, and the log had no space for the dead letter."""
SINK_DROPS = (RETIRED, ABSENT, UNTOLD)

FILTERED = "filtered"
"""Not meant for the sink: another model, status or protocol than it asks for."""
SAMPLED = "sampled"
"""Not in the share that the sink asks for."""
BODILESS = "bodiless"
"""Kept without bodies, of which KServe's events would tell nothing."""
SINK_LEFT_OUT = (FILTERED, SAMPLED, BODILESS)

UNREACHABLE = "unreachable"
SLOW = "timeout"
BUSY = "busy"
BROKEN = "server_error"
DENIED = "denied"
STORE = "store"
SINK_FAILURES = (UNREACHABLE, SLOW, BUSY, BROKEN, DENIED, STORE)
"""Why a try failed: no connection (to Kafka: or no answer), no answer in time, 408, 425, 429 or
503, any other 5xx, what speaks of the address or the login and not of the event (3xx, 401, 403,
404, 405, 407, 410; a missing topic or right), and a folder or bucket that cannot be written: the
sink's own, or the store of large bodies.
"""

REFERENCED = "referenced"
CUT = "cut"
SINK_REDUCTIONS = (REFERENCED, CUT)
"""Delivered, but with the bodies in the store or cut, because the record was too large."""

POST_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds of `Posts.counts`, which has one more bucket beyond them."""


@dataclass(frozen=True, slots=True)
class Posts:
    """What became of posts of one kind of event since the shipper's process began.

    `counts` are those that were taken, by how long it took; `seconds` is their sum.
    """

    sent: int = 0
    refused: int = 0
    seconds: float = 0.0
    counts: tuple[int, ...] = (0,) * (len(POST_BOUNDS) + 1)


@dataclass(frozen=True, slots=True)
class SinkStats:
    """What became of the log's records for one sink, since its group began.

    accepted = delivered + dead-lettered + dropped + left out + waiting, in records; each part is
    derived from the group's committed positions. `reduced` are those of the delivered that went
    without their bodies. `failures` are tries since the shipper's process began; `trouble` says why
    the newest one failed, empty when it did not. `posts` of an HTTP sink are by kind of event:
    ``request``, ``response``, and any ``other``.
    """

    sink: str
    delivered: int = 0
    dead_lettered: int = 0
    waiting: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    reduced: Mapping[str, int] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=dict)
    trouble: str = ""
    posts: Mapping[str, Posts] = field(default_factory=dict)

    @property
    def accepted(self) -> int:
        unsent = sum(self.dropped.values()) + sum(self.left_out.values())
        return self.delivered + self.dead_lettered + unsent + self.waiting


def encode_stats(stats: SinkStats) -> bytes:
    content = orjson.dumps(asdict(stats))
    return LENGTH.pack(1 + len(content)) + bytes((SINK,)) + content


def decode_stats(content: bytes) -> SinkStats:
    """Raises `MalformedPayload`."""
    try:
        fields = orjson.loads(content)
        posts = {kind: _posts(**one) for kind, one in fields.pop("posts", {}).items()}
        return SinkStats(**fields, posts=posts)
    except (ValueError, TypeError, AttributeError) as exc:
        raise MalformedPayload(f"counters cannot be read: {exc}") from exc


def _posts(counts: list[int], **sums: Any) -> Posts:
    return Posts(counts=tuple(counts), **sums)
