"""Scoring a run of one model: many exchanges, one look at their rows, one pane."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Columns
from sidelight_detectors.alarms.rule import WHOLE
from sidelight_detectors.contract import RowScores
from sidelight_detectors.indexed import Indexed, Origin
from sidelight_detectors.streaming.draws import DRAWN, Draw, chances, drawn_at
from sidelight_detectors.streaming.intake import Sample
from sidelight_detectors.streaming.opened import Rows
from sidelight_detectors.streaming.panes import Flag, Place, Slice, drawn_among
from sidelight_detectors.streaming.pieces import pieces_of
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.tracing import Trails

MAX_FLAGS = 100
"""Rows that a detector flags and a run tells of at most, the strangest first; all are counted."""

TOP_COLUMNS = 5
"""Columns named with a flagged row, those that add most to its score."""


@dataclass(frozen=True)
class Scored:
    """What a run's samples came to: their sums, the strangest rows, and who did not fit.

    `counted` are the rows of each version since the last place where a count window may end.
    `trails` are what detectors want to know of each row.
    """

    slices: tuple[Slice, ...]
    flags: tuple[Flag, ...]
    refused: tuple[tuple[Sample, Exception], ...]
    counted: Mapping[str, int]
    trails: tuple[Trails, ...] = ()


@dataclass(frozen=True)
class Batch:
    """The rows of some samples: `sample` is the place of each row's sample, `row` its number there.

    `chance` is what rows are drawn by.
    """

    samples: Sequence[Sample]
    sample: NDArray[np.int64]
    row: NDArray[np.int64]
    chance: NDArray[np.uint64]
    indexed: Indexed

    def take(self, chosen: NDArray[np.intp]) -> Batch:
        """The chosen rows."""
        if len(chosen) == len(self.sample):
            return self
        return Batch(
            self.samples,
            self.sample[chosen],
            self.row[chosen],
            self.chance[chosen],
            self.indexed.take(chosen),
        )


def score(
    plan: Plan, samples: Sequence[Sample], counted: Mapping[str, int] = MappingProxyType({})
) -> Scored:
    """Sums and flags of the samples; one that does not fit is refused and harms no other.

    `counted` is what the run before came to.
    """
    pieces, counted = pieces_of(samples, plan.piece_rows, counted)
    slices: dict[Place, Slice] = {}
    flags: list[Flag] = []
    refused: list[tuple[Sample, Exception]] = []
    trails: list[Trails] = []
    for alike in _alike(samples):
        for part, found, trail in _seen(plan, alike, pieces, refused):
            known = slices.get(part.place)
            slices[part.place] = part if known is None else known + part
            flags += found
            trails += [trail] if trail.of else []
    ordered = drawn_among([slices[place] for place in sorted(slices)])
    return Scored(ordered, _strangest(flags), tuple(refused), counted, tuple(trails))


def _strangest(flags: Sequence[Flag]) -> tuple[Flag, ...]:
    by_score = sorted(flags, key=lambda flag: (-flag.score, flag.offset, flag.row))
    chosen = [
        flag
        for detector in sorted({flag.detector for flag in flags})
        for flag in [one for one in by_score if one.detector == detector][:MAX_FLAGS]
    ]
    return tuple(sorted(chosen, key=lambda flag: (flag.offset, flag.row, flag.detector)))


def _alike(samples: Sequence[Sample]) -> list[list[Sample]]:
    """Samples whose columns have the same types, so that joining them changes no value."""
    groups: dict[tuple[object, ...], list[Sample]] = {}
    by_block: dict[Columns, list[Sample]] = {}
    for sample in samples:
        block = _block_of(sample)
        if block not in by_block:
            by_block[block] = groups.setdefault(_signature(block), [])
        by_block[block].append(sample)
    return list(groups.values())


def _block_of(sample: Sample) -> Columns:
    return sample.columns.block if isinstance(sample.columns, Rows) else sample.columns


def _signature(columns: Columns) -> tuple[object, ...]:
    return tuple((column.kind, column.values.dtype, column.values.shape[1:]) for column in columns)


def _seen(
    plan: Plan,
    samples: Sequence[Sample],
    pieces: Mapping[int, int],
    refused: list[tuple[Sample, Exception]],
) -> list[tuple[Slice, list[Flag], Trails]]:
    """All at once; when one of them does not fit, in halves until it is found."""
    try:
        return list(_summarised(plan, _index(plan, samples), pieces))
    except Exception as exc:  # As in `intake.take`: one event, one dead letter.
        if len(samples) == 1:
            refused.append((samples[0], exc))
            return []
        middle = len(samples) // 2
        halves = (samples[:middle], samples[middle:])
        return [one for half in halves for one in _seen(plan, half, pieces, refused)]


def _index(plan: Plan, samples: Sequence[Sample]) -> Batch:
    """The rows in the order of the samples, whatever blocks they were decoded in."""
    rows = np.array([len(sample.columns) for sample in samples])
    blocks: dict[Columns, list[int]] = {}
    for number, sample in enumerate(samples):
        blocks.setdefault(_block_of(sample), []).append(number)
    parts = [_taken(block, [samples[number] for number in of]) for block, of in blocks.items()]
    owner = np.repeat(np.arange(len(samples)), rows)
    row = np.arange(len(owner)) - np.repeat(np.cumsum(rows) - rows, rows)
    times, offsets = np.array([(one.time_ns, one.offset) for one in samples], np.int64).T
    columns = Columns.concatenate(parts)
    indexed = plan.fitted.index(columns)
    order = np.concatenate([np.repeat(of, rows[of]) for of in blocks.values()])
    if not np.array_equal(order, owner):
        indexed = indexed.take(np.argsort(order, kind="stable"))
    located = replace(indexed, origin=Origin(owner, times[owner], _headers(plan, samples, owner)))
    return Batch(samples, owner, row, chances(offsets[owner], row), located)


def _headers(
    plan: Plan, samples: Sequence[Sample], owner: NDArray[np.int64]
) -> Mapping[str, NDArray[np.object_]]:
    """The headers that a detector asks for, row by row."""
    names = plan.fitted.asks_headers
    if not names:
        return {}
    values = np.array([one.sender.headers or ("",) * len(names) for one in samples], object)
    return {name: values[owner, place] for place, name in enumerate(names)}


def _taken(block: Columns, samples: Sequence[Sample]) -> Columns:
    """The rows of these samples of one block."""
    starts = [sample.columns.start for sample in samples if isinstance(sample.columns, Rows)]
    if not starts:
        return block
    return block.take(np.add.outer(starts, np.arange(len(samples[0].columns))).ravel())


def _summarised(
    plan: Plan, batch: Batch, pieces: Mapping[int, int]
) -> Iterator[tuple[Slice, list[Flag], Trails]]:
    """The batch by place, the rows of each that were flagged, and what is to be known of all."""
    places = [
        (one.version, pieces[one.offset], one.time_ns // plan.bucket_ns) for one in batch.samples
    ]
    numbers = {place: number for number, place in enumerate(dict.fromkeys(places))}
    segments = plan.fitted.segments
    names = (WHOLE,) if segments is None else segments.names
    codes = np.array([numbers[place] for place in places])[batch.sample] * len(names)
    if segments is not None:
        codes = codes + segments.of(batch.indexed.cells)
    known = list(numbers)
    order = np.argsort(codes, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(codes[order])) + 1):
        number, segment = divmod(int(codes[rows[0]]), len(names))
        yield _slice(plan, batch.take(rows), (*known[number], names[segment]))


def _slice(plan: Plan, batch: Batch, place: Place) -> tuple[Slice, list[Flag], Trails]:
    seen = plan.fitted.observe(batch.indexed)
    samples = [batch.samples[number] for number in np.unique(batch.sample)]
    offsets = [sample.offset for sample in samples]
    times = [sample.time_ns for sample in samples]
    ends = (min(offsets), max(offsets), min(times), max(times))
    flags = [
        flag for name, scores in seen.scores.items() for flag in _flags(plan, batch, name, scores)
    ]
    trails = Trails(batch.samples, batch.sample, batch.row, seen.trails)
    return Slice(*place, *ends, seen.summary, _draw(batch)), flags, trails


def _draw(batch: Batch) -> Draw:
    chosen = batch.chance.argsort()[:DRAWN]
    places = [
        (batch.samples[sample].offset, row)
        for sample, row in zip(batch.sample[chosen], batch.row[chosen].tolist(), strict=True)
    ]
    cells = np.ascontiguousarray(batch.indexed.cells[chosen], "<i4")
    return drawn_at(places, [line.tobytes() for line in cells])


def _flags(plan: Plan, batch: Batch, detector: str, scores: RowScores) -> list[Flag]:
    flagged = np.flatnonzero(scores.flagged)
    order = np.argsort(-scores.scores[flagged], kind="stable")
    return [_flag(plan, batch, detector, scores, int(row)) for row in flagged[order[:MAX_FLAGS]]]


def _flag(plan: Plan, batch: Batch, detector: str, scores: RowScores, row: int) -> Flag:
    sample = batch.samples[batch.sample[row]]
    parts = scores.contributions[row]
    top = np.argsort(-parts, kind="stable")[:TOP_COLUMNS]
    names = plan.fitted.columns
    return Flag(
        detector,
        sample.offset,
        int(batch.row[row]),
        sample.version,
        sample.time_ns,
        float(scores.scores[row]),
        float(scores.p_values[row]),
        tuple((names[column], float(parts[column])) for column in top),
        scores.reasons.get(row, ()),
    )
