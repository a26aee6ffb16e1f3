"""Records that follow one in the log, for a sink that may be broken by that one alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sidelight.errors import OffsetOutOfRange
from sidelight.log.contract import Reader, Stored
from sidelight.log.topics import INFERENCE
from sidelight_logger.shipper.carrying.choosing import Choice

_LOOKED_AT = 100


def following(log: Reader, choice: Choice, count: int = 2) -> Callable[[Stored], Iterator[Stored]]:
    """What the sink is meant to get after a record; at most `count`, of the next hundred."""

    def later(stored: Stored) -> Iterator[Stored]:
        address = stored.address
        try:
            near = log.read(
                INFERENCE, address.partition, address.offset + 1, max_records=_LOOKED_AT
            )
        except OffsetOutOfRange:
            return
        wanted = [one for one in near if not choice(one.record)]
        yield from wanted[:count]

    return later
