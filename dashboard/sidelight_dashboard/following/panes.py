"""Panes into `chain`, `version` and `slot`: what one batch of records adds to each slot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import apsw

from sidelight.errors import MalformedPayload
from sidelight.panes import Pane, PaneReader, Part
from sidelight_dashboard.following.slots import (
    Slot,
    SlotKey,
    put_slot,
    slots_in,
    summed_that_fit,
)
from sidelight_dashboard.following.versions import see_version
from sidelight_dashboard.store.rows import Values, found, put

_LIMIT = 1 << 62
"""Numbers of panes are below it, so that they and their sums fit the tables."""


@dataclass
class Gathered:
    """Parts of new panes by the slot they belong to, each `pane_ns` long at least."""

    pane_ns: int
    slots: dict[SlotKey, list[Slot]] = field(default_factory=dict)

    def add(self, pane: Pane) -> None:
        length = max(self.pane_ns, pane.bucket_ns)
        for part in pane.parts:
            begin = part.begin_ns // length * length
            key = SlotKey(pane.model, part.version, pane.plan, part.segment, begin)
            self.slots.setdefault(key, []).append(_slot(part, length))

    def flush(self, series: apsw.Connection, panes: PaneReader) -> int:
        """Add them to the slots there are; returns how many parts did not add up."""
        return sum(_add_to_slot(series, panes, *one) for one in self.slots.items())


def accept(series: apsw.Connection, pane: Pane, appended_ns: int) -> bool:
    """Whether its run is new; if so the chain moves on. Gaps are counted.

    Raises `MalformedPayload` when a number is beyond what can be.
    """
    _check(pane)
    query = "SELECT reached, watermark_ns, gaps FROM chain WHERE (model, partition) = (?, ?)"
    known = found(series, query, (pane.model, pane.partition))
    reached, watermark, gaps = known[0] if known else (pane.begin, 0, 0)
    if pane.begin < reached:
        return False
    chain: Values = {
        "model": pane.model,
        "partition": pane.partition,
        "reached": pane.end,
        "watermark_ns": max(watermark, pane.watermark_ns),
        "appended_ns": appended_ns,
        "gaps": gaps + (pane.begin > reached),
    }
    put(series, "chain", chain)
    return True


def _check(pane: Pane) -> None:
    numbers = [pane.partition, pane.begin, pane.end, pane.watermark_ns, pane.bucket_ns]
    for part in pane.parts:
        numbers += [part.begin_ns, part.first_ns, part.last_ns, part.rows]
    if pane.end < pane.begin or not all(0 <= number < _LIMIT for number in numbers):
        raise MalformedPayload(f"a run from {pane.begin} to {pane.end}, of {numbers}")


def _slot(part: Part, length_ns: int) -> Slot:
    flagged = Counter(part.flagged)
    return Slot(length_ns, part.first_ns, part.last_ns, part.rows, flagged, part.summary)


def _add_to_slot(
    series: apsw.Connection, panes: PaneReader, key: SlotKey, slots: Sequence[Slot]
) -> int:
    there = slots_in(series, key, key.begin_ns + 1)
    whole, left_out = summed_that_fit(panes, [*there, *slots])
    put_slot(series, key, whole)
    see_version(series, key.model, key.version, whole.first_ns, whole.last_ns)
    return left_out
