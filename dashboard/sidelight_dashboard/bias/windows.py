"""Windows that were judged, from the store: the newest, and enough of them to draw."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from sidelight_dashboard.bias.findings import Bias, Estimated, Finding, Flips, Labels
from sidelight_dashboard.chosen import Chosen
from sidelight_dashboard.store.opening import Store

Kind = TypeVar("Kind", bound=Finding)

MOST = 300
"""Windows that one chart draws: some four pixels each on a wide screen."""


@dataclass(frozen=True)
class Source(Generic[Kind]):
    """A detector and the form of what it finds.

    `is_retold` when it tells a window again as labels come. `by_version`, `by_segment`: whether it
    tells versions and segments apart.
    """

    detector: str
    form: TypeAdapter[Kind]
    is_retold: bool = False
    by_version: bool = True
    by_segment: bool = True


DECISIONS = Source("bias", TypeAdapter(Bias))
CAME_TRUE = Source("bias:labels", TypeAdapter(Bias), is_retold=True, by_segment=False)
REALISED = Source("labels", TypeAdapter(Labels), is_retold=True, by_segment=False)
ESTIMATED = Source("performance", TypeAdapter(Estimated))
FLIPS = Source("flips", TypeAdapter(Flips), by_version=False, by_segment=False)


@dataclass(frozen=True, slots=True)
class Window(Generic[Kind]):
    """Event times of a window, and what was found; `refused` says why nothing was.

    `stands_for` so many windows, of which it is the worst, in a chart that cannot draw them all.
    `evidence` is what the alarm's rule had gathered by then, and rings at the threshold.
    """

    begin_ns: int
    end_ns: int
    rows: int
    promise: str
    finding: Kind | None
    refused: str = ""
    stands_for: int = 1
    evidence: float | None = None
    evidence_threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """A window without what was found.

    `rank` is 1 beyond its limit, 0 when judged, -1 when not. `told` orders what the log has: its
    addresses end with their offset.
    """

    id: str
    begin_ns: int
    end_ns: int
    rank: int
    told: tuple[int, str]
    stands_for: int = 1


def heads(store: Store, chosen: Chosen, source: Source[Any]) -> list[Head]:
    """All windows of the chosen time, the newest last."""
    found = store.series.rows(
        "SELECT id, begin_ns, end_ns, coalesce(is_drift, -1), address FROM judged"
        " WHERE model = ? AND detector = ? AND version = ? AND segment = ? AND against = ''"
        " AND end_ns BETWEEN ? AND ? ORDER BY end_ns",
        (
            chosen.model,
            source.detector,
            chosen.version if source.by_version else "",
            chosen.segment if source.by_segment else "",
            chosen.begin_ns,
            chosen.end_ns,
        ),
    )
    told = [
        Head(id_, begin_ns, end_ns, rank, (len(address), address))
        for id_, begin_ns, end_ns, rank, address in found
    ]
    return merged(told) if source.is_retold else told


def merged(told: Iterable[Head]) -> list[Head]:
    """Of what was told of the same time what was told last."""
    kept: list[Head] = []
    for one in sorted(told, key=lambda head: head.begin_ns):
        if kept and one.begin_ns <= kept[-1].end_ns:
            kept[-1] = max(kept[-1], one, key=lambda head: head.told)
        else:
            kept.append(one)
    return sorted(kept, key=lambda head: head.end_ns)


def thinned(found: Sequence[Head], most: int) -> list[Head]:
    """At most so many: of each stretch the worst window, and of equals the last."""
    size = max(1, -(-len(found) // most))
    stretches = (found[start : start + size] for start in range(0, len(found), size))
    return [
        replace(max(one, key=lambda head: (head.rank, head.end_ns)), stands_for=len(one))
        for one in stretches
    ]


def filled(store: Store, source: Source[Kind], chosen: Sequence[Head]) -> list[Window[Kind]]:
    """The windows with what was found."""
    found = store.series.rows(
        "SELECT id, rows, promise, refused, evidence, evidence_threshold, data FROM judged"
        " WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps([head.id for head in chosen]),),
    )
    by_id = {id_: told for id_, *told in found}
    # The follower may fold, and forget, between the two queries.
    return [_window(source, head, *by_id[head.id]) for head in chosen if head.id in by_id]


def _window(
    source: Source[Kind],
    head: Head,
    rows: int,
    promise: str,
    refused: str,
    evidence: float | None,
    threshold: float | None,
    data: bytes,
) -> Window[Kind]:
    finding = None
    if not refused:
        try:
            finding = source.form.validate_json(zlib.decompress(data))
        except ValidationError:
            refused = "another release of the detectors told this window; this one cannot read it"
    times, stands_for = (head.begin_ns, head.end_ns), head.stands_for
    return Window(*times, rows, promise, finding, refused, stands_for, evidence, threshold)
