"""Panes into `chain`, `version` and `slot`: what one batch of records adds to each slot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import apsw
import orjson

from sidelight.errors import DataMismatch
from sidelight.panes import Pane, PaneReader, Part
from sidelight_dashboard.following.packing import text

SlotKey = tuple[str, str, str, str, int]
"""Model, version, plan, segment, begin."""


@dataclass
class Gathered:
    """Parts of the panes that are new, by the slot they belong to."""

    pane_ns: int
    parts: dict[SlotKey, list[tuple[int, Part]]] = field(default_factory=dict)

    def add(self, pane: Pane) -> None:
        length = max(self.pane_ns, pane.bucket_ns)
        for part in pane.parts:
            begin = part.begin_ns // length * length
            key = (pane.model, part.version, pane.plan, part.segment, begin)
            self.parts.setdefault(key, []).append((length, part))


def accept(series: apsw.Connection, pane: Pane, appended_ns: int) -> bool:
    """Whether its run is new; if so the chain moves on. Gaps are counted."""
    key = (pane.model, pane.partition)
    found = series.execute(
        "SELECT reached, watermark_ns, gaps FROM chain WHERE (model, partition) = (?, ?)", key
    ).fetchall()
    reached, watermark, gaps = found[0] if found else (pane.begin, 0, 0)
    if pane.begin < reached:
        return False
    series.execute(
        "INSERT OR REPLACE INTO chain VALUES (?, ?, ?, ?, ?, ?)",
        (
            *key,
            pane.end,
            max(watermark, pane.watermark_ns),
            appended_ns,
            gaps + (pane.begin > reached),
        ),
    )
    return True


def flush(series: apsw.Connection, panes: PaneReader, gathered: Gathered) -> int:
    """Add what was gathered to its slots; returns how many parts did not add up."""
    return sum(_flush(series, panes, key, parts) for key, parts in gathered.parts.items())


def _flush(
    series: apsw.Connection, panes: PaneReader, key: SlotKey, gathered: list[tuple[int, Part]]
) -> int:
    found = series.execute(
        "SELECT length_ns, first_ns, last_ns, rows, flagged, summary FROM slot"
        " WHERE (model, version, plan, segment, begin_ns) = (?, ?, ?, ?, ?)",
        key,
    ).fetchall()
    before = [
        (length, Part(key[1], key[3], key[4], first, last, rows, orjson.loads(flagged), summary))
        for length, first, last, rows, flagged, summary in found
    ]
    parts = [part for _, part in before + gathered]
    summary, taken = _sum(panes, parts)
    length = max(length for length, _ in before + gathered)
    put_slot(series, key, length, taken, summary)
    _see_version(series, key[0], taken)
    return len(parts) - len(taken)


def _sum(panes: PaneReader, parts: Sequence[Part]) -> tuple[bytes, Sequence[Part]]:
    """The sum, and the parts in it: one that says another plan's numbers is left out."""
    if len(parts) == 1:
        return parts[0].summary, parts
    try:
        return panes.add([part.summary for part in parts]), parts
    except DataMismatch:
        return _sum_one_by_one(panes, parts)


def _sum_one_by_one(panes: PaneReader, parts: Sequence[Part]) -> tuple[bytes, Sequence[Part]]:
    summary, taken = parts[0].summary, [parts[0]]
    for part in parts[1:]:
        try:
            summary = panes.add([summary, part.summary])
        except DataMismatch:
            continue
        taken.append(part)
    return summary, taken


def put_slot(
    series: apsw.Connection, key: SlotKey, length_ns: int, parts: Sequence[Part], summary: bytes
) -> None:
    """Write the slot that holds these parts."""
    flagged: Counter[str] = Counter()
    for part in parts:
        flagged.update(part.flagged)
    series.execute(
        "INSERT OR REPLACE INTO slot VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *key,
            length_ns,
            min(part.first_ns for part in parts),
            max(part.last_ns for part in parts),
            sum(part.rows for part in parts),
            text(dict(flagged)),
            summary,
        ),
    )


def _see_version(series: apsw.Connection, model: str, parts: Sequence[Part]) -> None:
    series.execute(
        "INSERT INTO version VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " first_ns = min(first_ns, excluded.first_ns), last_ns = max(last_ns, excluded.last_ns)",
        (
            model,
            parts[0].version,
            min(part.first_ns for part in parts),
            max(part.last_ns for part in parts),
        ),
    )
