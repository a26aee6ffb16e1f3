"""Scoring a run of one model: many exchanges, one look at their rows, one pane."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Columns
from sidelight_detectors.contract import RowScores
from sidelight_detectors.indexed import Indexed, Origin
from sidelight_detectors.streaming.intake import Sample
from sidelight_detectors.streaming.opened import Rows
from sidelight_detectors.streaming.panes import Flag, Slice
from sidelight_detectors.streaming.plan import Plan

MAX_FLAGS = 100
"""Rows that a detector flags and a run tells of at most, the strangest first; all are counted."""

TOP_COLUMNS = 5
"""Columns named with a flagged row, those that add most to its score."""


@dataclass(frozen=True)
class Scored:
    """What a run's samples came to: their sums, the strangest rows, and who did not fit."""

    slices: tuple[Slice, ...]
    flags: tuple[Flag, ...]
    refused: tuple[tuple[Sample, Exception], ...]


@dataclass(frozen=True)
class Batch:
    """The rows of some samples; `rows` is how many each has."""

    samples: Sequence[Sample]
    rows: NDArray[np.int64]
    indexed: Indexed

    def take(self, chosen: NDArray[np.bool_]) -> Batch:
        """The batch of the chosen samples."""
        if chosen.all():
            return self
        samples = [sample for sample, keep in zip(self.samples, chosen, strict=True) if keep]
        return Batch(samples, self.rows[chosen], self.indexed.take(np.repeat(chosen, self.rows)))

    def locate(self, row: int) -> tuple[Sample, int]:
        """The sample a row of the batch belongs to, and its number there."""
        ends = np.cumsum(self.rows)
        place = int(np.searchsorted(ends, row, side="right"))
        return self.samples[place], row - int(ends[place] - self.rows[place])


def score(plan: Plan, samples: Sequence[Sample]) -> Scored:
    """Sums and flags of the samples; one that does not fit is refused and harms no other."""
    slices: dict[tuple[str, int], Slice] = {}
    flags: list[Flag] = []
    refused: list[tuple[Sample, Exception]] = []
    for alike in _alike(samples):
        for batch in _indexed(plan, alike, refused):
            for part, found in _summarised(plan, batch):
                place = (part.version, part.bucket)
                slices[place] = slices[place] + part if place in slices else part
                flags += found
    ordered = tuple(slices[place] for place in sorted(slices))
    return Scored(ordered, _strangest(flags), tuple(refused))


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
    signatures: dict[Columns, tuple[object, ...]] = {}
    groups: dict[tuple[object, ...], list[Sample]] = {}
    for sample in samples:
        block = _block_of(sample)
        signature = signatures.get(block) or signatures.setdefault(block, _signature(block))
        groups.setdefault(signature, []).append(sample)
    return list(groups.values())


def _block_of(sample: Sample) -> Columns:
    return sample.columns.block if isinstance(sample.columns, Rows) else sample.columns


def _signature(columns: Columns) -> tuple[object, ...]:
    return tuple((column.kind, column.values.dtype, column.values.shape[1:]) for column in columns)


def _indexed(
    plan: Plan, samples: Sequence[Sample], refused: list[tuple[Sample, Exception]]
) -> Iterator[Batch]:
    """All at once; when one of them does not fit, each for itself."""
    try:
        yield _index(plan, samples)
    except Exception as exc:  # As in `intake.take`: one event, one dead letter.
        if len(samples) == 1:
            refused.append((samples[0], exc))
            return
        for sample in samples:
            yield from _indexed(plan, [sample], refused)


def _index(plan: Plan, samples: Sequence[Sample]) -> Batch:
    """The rows in the order of the samples, whatever blocks they were decoded in."""
    rows = np.array([len(sample.columns) for sample in samples])
    blocks: dict[Columns, list[int]] = {}
    for number, sample in enumerate(samples):
        blocks.setdefault(_block_of(sample), []).append(number)
    parts = [_taken(block, [samples[number] for number in of]) for block, of in blocks.items()]
    order = np.concatenate([np.repeat(of, rows[of]) for of in blocks.values()])
    numbers = np.arange(len(samples))
    times = np.array([sample.time_ns for sample in samples], np.int64)
    indexed = plan.fitted.index(Columns.concatenate(parts)).take(np.argsort(order, kind="stable"))
    origin = Origin(np.repeat(numbers, rows), np.repeat(times, rows))
    return Batch(samples, rows, replace(indexed, origin=origin))


def _taken(block: Columns, samples: Sequence[Sample]) -> Columns:
    """The rows of these samples of one block."""
    starts = [sample.columns.start for sample in samples if isinstance(sample.columns, Rows)]
    if not starts:
        return block
    return block.take(np.add.outer(starts, np.arange(len(samples[0].columns))).ravel())


def _summarised(plan: Plan, batch: Batch) -> Iterator[tuple[Slice, list[Flag]]]:
    places = [(sample.version, sample.time_ns // plan.bucket_ns) for sample in batch.samples]
    for place in dict.fromkeys(places):
        part = batch.take(np.array([other == place for other in places]))
        seen = plan.fitted.observe(part.indexed)
        offsets = [sample.offset for sample in part.samples]
        times = [sample.time_ns for sample in part.samples]
        yield (
            Slice(*place, min(offsets), max(offsets), min(times), max(times), seen.summary),
            [
                flag
                for name, scores in seen.scores.items()
                for flag in _flags(plan, part, name, scores)
            ],
        )


def _flags(plan: Plan, batch: Batch, detector: str, scores: RowScores) -> list[Flag]:
    flagged = np.flatnonzero(scores.flagged)
    order = np.argsort(-scores.scores[flagged], kind="stable")
    return [_flag(plan, batch, detector, scores, int(row)) for row in flagged[order[:MAX_FLAGS]]]


def _flag(plan: Plan, batch: Batch, detector: str, scores: RowScores, row: int) -> Flag:
    sample, number = batch.locate(row)
    parts = scores.contributions[row]
    top = np.argsort(-parts, kind="stable")[:TOP_COLUMNS]
    names = plan.fitted.columns
    return Flag(
        detector,
        sample.offset,
        number,
        sample.version,
        sample.time_ns,
        float(scores.scores[row]),
        float(scores.p_values[row]),
        tuple((names[column], float(parts[column])) for column in top),
    )
