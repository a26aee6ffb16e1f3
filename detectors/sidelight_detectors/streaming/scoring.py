"""Scoring a run of one model: many exchanges, one look at their rows, one pane."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Columns
from sidelight_detectors.cells import CellIndex
from sidelight_detectors.contract import RowScores
from sidelight_detectors.streaming.intake import Sample
from sidelight_detectors.streaming.opened import Rows
from sidelight_detectors.streaming.panes import Flag, Slice
from sidelight_detectors.streaming.plan import Plan

MAX_FLAGS = 100
"""Flagged rows a run tells of at most, the strangest first; all are counted."""

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
    """Cells of the rows of some samples; `rows` is how many rows each has."""

    samples: Sequence[Sample]
    rows: NDArray[np.int64]
    cells: CellIndex

    def take(self, chosen: NDArray[np.bool_]) -> Batch:
        """The batch of the chosen samples."""
        if chosen.all():
            return self
        samples = [sample for sample, keep in zip(self.samples, chosen, strict=True) if keep]
        return Batch(samples, self.rows[chosen], self.cells[np.repeat(chosen, self.rows)])

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
    strangest = sorted(flags, key=lambda flag: (-flag.score, flag.offset, flag.row))[:MAX_FLAGS]
    in_order = sorted(strangest, key=lambda flag: (flag.offset, flag.row))
    ordered = tuple(slices[place] for place in sorted(slices))
    return Scored(ordered, tuple(in_order), tuple(refused))


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
    """The cells in the order of the samples, whatever blocks they were decoded in."""
    rows = np.array([len(sample.columns) for sample in samples])
    blocks: dict[Columns, list[int]] = {}
    for number, sample in enumerate(samples):
        blocks.setdefault(_block_of(sample), []).append(number)
    parts = [_taken(block, [samples[number] for number in of]) for block, of in blocks.items()]
    order = np.concatenate([np.repeat(of, rows[of]) for of in blocks.values()])
    cells = plan.fitted.index(Columns.concatenate(parts))
    return Batch(samples, rows, cells[np.argsort(order, kind="stable")])


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
        scores = plan.fitted.score(part.cells)
        summary = plan.fitted.summarise(part.cells, scores)
        offsets = [sample.offset for sample in part.samples]
        times = [sample.time_ns for sample in part.samples]
        yield (
            Slice(*place, min(offsets), max(offsets), min(times), max(times), summary),
            [] if scores is None else _flags(plan, part, scores),
        )


def _flags(plan: Plan, batch: Batch, scores: RowScores) -> list[Flag]:
    flagged = np.flatnonzero(plan.fitted.flagged(scores))
    order = np.argsort(-scores.scores[flagged], kind="stable")
    return [_flag(plan, batch, scores, int(row)) for row in flagged[order[:MAX_FLAGS]]]


def _flag(plan: Plan, batch: Batch, scores: RowScores, row: int) -> Flag:
    sample, number = batch.locate(row)
    parts = scores.contributions[row]
    top = np.argsort(-parts, kind="stable")[:TOP_COLUMNS]
    names = plan.fitted.columns
    return Flag(
        sample.offset,
        number,
        sample.version,
        sample.time_ns,
        float(scores.scores[row]),
        float(scores.p_values[row]),
        tuple((names[column], float(parts[column])) for column in top),
    )
