"""Scoring the rows of a file: the scorer and the decider without a log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeGuard

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.tensors import Columns
from sidelight_detectors.alarms.rule import WHOLE
from sidelight_detectors.bias.detector import NAME as BIAS
from sidelight_detectors.bias.finding import BiasFinding
from sidelight_detectors.files.deciding import bias_of
from sidelight_detectors.fitted import DRIFT, Fitted
from sidelight_detectors.guarantee import Guarantee
from sidelight_detectors.joint.detector import JointDetector
from sidelight_detectors.joint.permutation import PermutationTest
from sidelight_detectors.results.findings import (
    DriftResult,
    OutlierResult,
    Output,
    UnjudgedResult,
    WindowResult,
)
from sidelight_detectors.streaming.decider import Decider
from sidelight_detectors.streaming.intake import Sample
from sidelight_detectors.streaming.panes import Pane
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.scoring import score

ROWS_AT_ONCE = 1000
"""Rows of one block when no window says how many."""


@dataclass(frozen=True)
class FileWindow:
    """Rows `begin` up to, not including, `end` of the file, judged: all of them or a segment."""

    begin: int
    end: int
    result: DriftResult


@dataclass(frozen=True)
class OtherWindow:
    """The same rows judged by another detector than drift."""

    begin: int
    end: int
    result: WindowResult


@dataclass(frozen=True)
class FileOutlier:
    """Row `row` of the file (counted from 0), flagged."""

    row: int
    result: OutlierResult


@dataclass(frozen=True)
class FileFlags:
    """The rows a detector flagged: how many, and the strangest of each block (`MAX_FLAGS`)."""

    detector: str
    method: str
    guarantee: Guarantee
    flagged: int
    strangest: tuple[FileOutlier, ...]


@dataclass(frozen=True)
class FileReport:
    """What was found in a file.

    `flags` are of each detector that flags rows. `unjudged` rows at the end are too few to be
    judged. `unobserved` are the model's outputs that the file does not have: nothing is known of
    their drift. `others` are windows judged by other detectors. `permutation` compares
    the whole file with the reference, where ``detectors.joint`` asks for it. `bias` is of all rows
    together: what was decided, then what came true of those that have a label; `bias_unjudged`
    says why one of them is missing.
    """

    model: str
    rows: int
    unjudged: int
    windows: tuple[FileWindow, ...]
    flags: tuple[FileFlags, ...]
    unobserved: tuple[str, ...]
    promise: str
    permutation: PermutationTest | None = None
    others: tuple[OtherWindow, ...] = ()
    bias: tuple[BiasFinding, ...] = ()
    bias_unjudged: tuple[str, ...] = ()

    @property
    def found(self) -> frozenset[str]:
        """The detectors that found something: a window that speaks for an alarm, a flagged row."""
        others = {one.result.detector for one in self.others if one.result.finding.is_drift}
        flagging = {one.detector for one in self.flags if one.flagged}
        unfair = {BIAS} if any(one.is_drift for one in self.bias) else set()
        return frozenset(others | flagging | unfair | ({DRIFT} if self.drift_found else set()))

    @property
    def judging(self) -> frozenset[str]:
        """The detectors that judged at least one window."""
        others = {one.result.detector for one in self.others} | ({BIAS} if self.bias else set())
        return frozenset(others | ({DRIFT} if self.windows else set()))

    @property
    def drift_found(self) -> bool:
        return any(window.result.finding.is_drift for window in self.windows)


def score_rows(model: str, fitted: Fitted, rows: Columns) -> FileReport:
    """Windows of the configured number of rows, in the order of the file, and what is left over.

    Event-time windows are cut by rows too: a file has no event time. None slides. Raises
    `DataMismatch` when the rows do not fit the reference.
    """
    plan = Plan(model, _by_count(fitted), DetectorsSettings())
    size = plan.fitted.drift.window if plan.fitted.drift else ROWS_AT_ONCE
    decider = Decider(plan, partitions=1)
    said: list[Output] = []
    for block, begin in enumerate(range(0, len(rows), size)):
        said += decider.accept(_pane(plan, block, rows.take(slice(begin, begin + size))))
    said += decider.watch.close()
    compared = bias_of(plan.fitted, rows)
    return FileReport(
        model,
        len(rows),
        sum(output.seen.rows for output in said if _without_drift(output)),
        tuple(
            FileWindow(*_place(size, output, len(rows)), output)
            for output in said
            if isinstance(output, DriftResult)
        ),
        tuple(_flags(plan, decider, size, said)),
        tuple(name for name in plan.fitted.answers if name not in rows),
        plan.promise,
        _permuted(plan.fitted, rows),
        tuple(
            OtherWindow(*_place(size, output, len(rows)), output)
            for output in said
            # Groups are compared over all rows: more of them tell more.
            if isinstance(output, WindowResult) and output.detector != BIAS
        ),
        tuple(one for one in compared if isinstance(one, BiasFinding)),
        tuple(one for one in compared if isinstance(one, str)),
    )


def _without_drift(output: Output) -> TypeGuard[UnjudgedResult]:
    if not isinstance(output, UnjudgedResult) or output.detector != DRIFT:
        return False
    return output.about.segment == WHOLE


def _permuted(fitted: Fitted, rows: Columns) -> PermutationTest | None:
    part = fitted.parts.get("joint")
    return part.permuted(fitted.index(rows)) if isinstance(part, JointDetector) else None


def _place(size: int, result: DriftResult | WindowResult, rows: int) -> tuple[int, int]:
    """The rows of the file that the window's blocks hold."""
    (stretch,) = result.seen.exchanges
    return size * stretch.first.offset, min(size * (stretch.last.offset + 1), rows)


def _flags(plan: Plan, decider: Decider, size: int, said: list[Output]) -> Iterator[FileFlags]:
    rows = [_outlier(size, output) for output in said if isinstance(output, OutlierResult)]
    for name, flagger in plan.flaggers.items():
        states = decider.watch.versions.values()
        yield FileFlags(
            name,
            flagger.method,
            flagger.guarantee,
            sum(state.flagged_by.get(name, 0) for state in states),
            tuple(row for row in rows if row.result.detector == name),
        )


def _outlier(size: int, result: OutlierResult) -> FileOutlier:
    return FileOutlier(size * result.address.offset + result.row, result)


def _by_count(fitted: Fitted) -> Fitted:
    if fitted.drift is None:
        return fitted
    # A file has an end: what is said of it is what its windows say.
    alarm = fitted.drift.alarm.model_copy(update={"rule": "windows"})
    tumbling = {"window_seconds": None, "slide_seconds": None, "slide": None, "alarm": alarm}
    drift = fitted.drift.model_copy(update=tumbling)
    return replace(fitted, settings=fitted.settings.model_copy(update={"drift": drift}))


def _pane(plan: Plan, block: int, rows: Columns) -> Pane:
    scored = score(plan, [Sample(block, 0, "", rows)])
    for _, cause in scored.refused:
        raise cause
    times = (0, plan.bucket_ns)
    return Pane(plan.model, plan.id, 0, block, block + 1, *times, scored.slices, scored.flags)
