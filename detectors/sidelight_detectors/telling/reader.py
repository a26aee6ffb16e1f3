"""Reads panes for who keeps them, adds their rows up, and says what a sum is beside its reference.

It only reads: references are found where the service keeps them, or fitted in memory.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import reduce

import sidelight.panes as told
from sidelight.config.settings import Settings
from sidelight.errors import ArtifactError, MalformedPayload
from sidelight.log import Record
from sidelight_detectors.streaming.panes import Pane, Slice
from sidelight_detectors.summary import Summary, sum_of
from sidelight_detectors.telling.columns import comparison_of
from sidelight_detectors.telling.references import References

FLAGGERS = ("disagreement", "outlier", "schema")
"""The detectors whose sums begin with the rows they flagged (`Summary.flagged`)."""

LEVEL = 4
"""Of compression: a twentieth larger than the best, and fifteen times as quick."""


class Reader:
    """What `sidelight.panes` asks for."""

    def __init__(self, references: References) -> None:
        self._references = references

    def read(self, record: Record) -> told.Pane:
        """Slices that differ only in what windows need (`Slice.piece`) are one part."""
        pane = Pane.from_record(record)
        _check(pane)
        places: dict[tuple[str, str, int], list[Slice]] = {}
        for one in pane.slices:
            places.setdefault((one.version, one.segment, one.bucket), []).append(one)
        return told.Pane(
            pane.model,
            pane.plan,
            pane.partition,
            pane.begin,
            pane.end,
            pane.watermark_ns,
            pane.bucket_ns,
            tuple(_part(slices, pane.bucket_ns) for slices in places.values()),
        )

    def add(self, summaries: Sequence[bytes]) -> bytes:
        return sum_of(summaries).to_bytes(LEVEL)

    def compare(self, model: str, plan: str, segment: str, summary: bytes) -> told.Comparison:
        fitted = self._references.fitted(model, plan)
        if segment not in fitted.scopes:
            raise ArtifactError(f"plan {plan[:12]} of model {model!r} has no segment {segment!r}")
        counted = Summary.from_bytes(summary)
        if not fitted.fits(counted):
            raise ArtifactError(f"the rows were not counted by plan {plan[:12]} of {model!r}")
        return comparison_of(fitted, segment, counted)


@contextmanager
def open_reader(settings: Settings) -> Iterator[Reader]:
    """For the entry point `sidelight.panes`; `settings` as they are logged (`as_logged`)."""
    yield Reader(References(settings))


def _check(pane: Pane) -> None:
    """That its slices add up; no scorer writes others, but anything may stand in a log."""
    shapes = {_shape(one.summary) for one in pane.slices}
    if len(shapes) > 1 or any(plan != pane.plan for plan, *_ in shapes):
        raise MalformedPayload("its slices do not add up under its plan", where="panes record")


def _shape(summary: Summary) -> tuple[str, int, tuple[tuple[str, int], ...]]:
    sizes = ((name, len(own)) for name, own in summary.sums.items())
    return summary.plan, len(summary.counts), tuple(sizes)


def _part(slices: Sequence[Slice], bucket_ns: int) -> told.Part:
    summary = reduce(operator.add, (one.summary for one in slices))
    flagged = {name: summary.flagged(name) for name in FLAGGERS if name in summary.sums}
    return told.Part(
        slices[0].version,
        slices[0].segment,
        slices[0].bucket * bucket_ns,
        min(one.first_ns for one in slices),
        max(one.last_ns for one in slices),
        summary.rows,
        flagged,
        summary.to_bytes(LEVEL),
    )
