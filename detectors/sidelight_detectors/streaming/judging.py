"""One window and what each detector says of it, as a result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sidelight.errors import NotEnoughData
from sidelight.log import Address
from sidelight.log.topics import INFERENCE
from sidelight_detectors.contract import DriftFinding, Finding
from sidelight_detectors.fitted import DRIFT
from sidelight_detectors.results.findings import (
    About,
    DriftResult,
    Seen,
    Stretch,
    UnjudgedResult,
    WindowResult,
)
from sidelight_detectors.streaming.identity import digest
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.steps import Extent, Window
from sidelight_detectors.summary import Summary

Told = DriftResult | WindowResult


@dataclass(frozen=True)
class Judgement:
    """What a detector found in one scope of a window, the `number`-th it judges there.

    `scope` is all rows (`WHOLE`) or a segment. Without a finding `reason` says why.
    """

    detector: str
    scope: str
    number: int
    finding: Finding | None
    reason: str = ""


def judge(plan: Plan, window: Window, detector: str, scope: str, number: int) -> Judgement:
    summary = window.of(scope) or plan.fitted.nothing
    try:
        if detector == DRIFT:
            finding: Finding = plan.fitted.judge(summary, number, scope)
        else:
            finding = plan.fitted.judge_by(detector, summary, number)
    except NotEnoughData as exc:
        return Judgement(detector, scope, number, None, str(exc))
    return Judgement(detector, scope, number, finding)


def glance(plan: Plan, window: Window, detector: str, scope: str, number: int) -> Judgement:
    """As `judge`, but of drift only whether there is any."""
    if detector != DRIFT:
        return judge(plan, window, detector, scope, number)
    summary = window.of(scope) or plan.fitted.nothing
    try:
        finding = plan.fitted.glance(summary, number, scope)
    except NotEnoughData as exc:
        return Judgement(detector, scope, number, None, str(exc))
    return Judgement(detector, scope, number, finding)


def result_of(plan: Plan, window: Window, judgement: Judgement) -> Told | UnjudgedResult:
    """The judgement, and where its window stands."""
    detector, scope, finding = judgement.detector, judgement.scope, judgement.finding
    names = (detector, plan.model, plan.id, window.version, judgement.number)
    id_ = digest(*names, window.content(scope))
    about = About(plan.model, window.version, plan.id, scope)
    seen = seen_of(window.of(scope) or plan.fitted.nothing, window.extent)
    if finding is None:
        return UnjudgedResult(id_, about, detector, seen, judgement.reason)
    promise = plan.promise_of(detector)
    if isinstance(finding, DriftFinding):
        return DriftResult(id_, about, seen, finding, promise)
    return WindowResult(id_, about, detector, seen, finding, promise)


def told(result: Told | UnjudgedResult) -> Told | None:
    """The result, None where there was not enough data."""
    return None if isinstance(result, UnjudgedResult) else result


def findings_of(judged: Sequence[Judgement]) -> list[tuple[str, Finding]]:
    """What a rule hears of a window, by scope: all rows before segments.

    Where anything drifted, that alone: no alarm is cleared by a window in which a segment drifted.
    """
    found = [(one.scope, one.finding) for one in judged if one.finding is not None]
    return [pair for pair in found if pair[1].is_drift] or found


def seen_of(summary: Summary, extent: Extent) -> Seen:
    stretches = (
        Stretch(Address(INFERENCE, partition, first), Address(INFERENCE, partition, last))
        for partition, (first, last) in sorted(extent.spans.items())
    )
    flagged = summary.flagged("outlier")
    return Seen(summary.rows, flagged, tuple(stretches), extent.first_ns, extent.last_ns)
