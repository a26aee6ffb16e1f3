"""Slots: rows of a while added up, as the table `slot` holds them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import apsw
import orjson

from sidelight.errors import DataMismatch, MalformedPayload
from sidelight.panes import PaneReader
from sidelight_dashboard.following.packing import text
from sidelight_dashboard.store.rows import Row, Values, found, put


@dataclass(frozen=True, slots=True)
class SlotKey:
    """What slots of one model, version, plan and segment are told apart by: where they begin."""

    model: str
    version: str
    plan: str
    segment: str
    begin_ns: int


@dataclass(frozen=True, slots=True)
class Slot:
    """The rows of a while, or a part of them."""

    length_ns: int
    first_ns: int
    last_ns: int
    rows: int
    flagged: Counter[str]
    summary: bytes


_SELECT = "SELECT length_ns, first_ns, last_ns, rows, flagged, summary FROM slot WHERE "


def slots_in(series: apsw.Connection, key: SlotKey, end_ns: int) -> list[Slot]:
    """Those that begin at the key's begin or later, and before `end_ns`."""
    query = (
        f"{_SELECT} (model, version, plan, segment) = (?, ?, ?, ?)"
        " AND begin_ns >= ? AND begin_ns < ? ORDER BY begin_ns"
    )
    given = (key.model, key.version, key.plan, key.segment, key.begin_ns, end_ns)
    return [_slot(row) for row in found(series, query, given)]


def put_slot(series: apsw.Connection, key: SlotKey, slot: Slot) -> None:
    """In the place of the one that begins there."""
    row: Values = {
        "model": key.model,
        "version": key.version,
        "plan": key.plan,
        "segment": key.segment,
        "begin_ns": key.begin_ns,
        "length_ns": slot.length_ns,
        "first_ns": slot.first_ns,
        "last_ns": slot.last_ns,
        "rows": slot.rows,
        "flagged": text(slot.flagged),
        "summary": slot.summary,
    }
    put(series, "slot", row)


def summed(panes: PaneReader, slots: Sequence[Slot]) -> Slot:
    """All rows together, in the longest; `DataMismatch` when they were counted by two plans."""
    if len(slots) == 1:
        return slots[0]
    return Slot(
        max(slot.length_ns for slot in slots),
        min(slot.first_ns for slot in slots),
        max(slot.last_ns for slot in slots),
        sum(slot.rows for slot in slots),
        _added(slot.flagged for slot in slots),
        panes.add([slot.summary for slot in slots]),
    )


def summed_that_fit(panes: PaneReader, slots: Sequence[Slot]) -> tuple[Slot, int]:
    """The sum of those that add up with the first, and how many do not: only garbage does not."""
    try:
        return summed(panes, slots), 0
    except (DataMismatch, MalformedPayload):
        return _one_by_one(panes, slots)


def _one_by_one(panes: PaneReader, slots: Sequence[Slot]) -> tuple[Slot, int]:
    whole, left_out = slots[0], 0
    for slot in slots[1:]:
        try:
            whole = summed(panes, [whole, slot])
        except (DataMismatch, MalformedPayload):
            left_out += 1
    return whole, left_out


def _added(counts: Iterable[Counter[str]]) -> Counter[str]:
    whole: Counter[str] = Counter()
    for one in counts:
        whole.update(one)
    return whole


def _slot(row: Row) -> Slot:
    length_ns, first_ns, last_ns, rows, flagged, summary = row
    return Slot(length_ns, first_ns, last_ns, rows, Counter(orjson.loads(flagged)), summary)
