"""From a verdict to an alarm, and the number and name of the one that is raised."""

from __future__ import annotations

from dataclasses import dataclass

from sidelight_detectors.alarms.rule import Verdict
from sidelight_detectors.results.findings import About, Alarm, DriftResult, Judged, TypicalRow
from sidelight_detectors.streaming.identity import digest
from sidelight_detectors.streaming.states import AlarmLog


@dataclass(frozen=True)
class Evidence:
    """The worst segment's rows of a window, judged, when a segment is to blame; typical rows."""

    segment: DriftResult | None = None
    rows: tuple[TypicalRow, ...] = ()


NOTHING_MORE = Evidence()


@dataclass(frozen=True)
class Cause:
    """What a verdict was reached over, when, and after how many rows."""

    time_ns: int
    rows_seen: int
    result: Judged | None = None
    evidence: Evidence = NOTHING_MORE


@dataclass(frozen=True)
class Raised:
    """An alarm that is raised: of which version (`against` another, if two are compared)."""

    version: str
    against: str
    detector: str
    raised_by: str


def alarm_of(about: About, detector: str, log: AlarmLog, verdict: Verdict, cause: Cause) -> Alarm:
    """The alarm; `log` knows of it then."""
    is_raised = verdict.change == "raised"
    log.raised += is_raised
    names = (detector, about.model, about.version, about.against, about.plan)
    content = cause.result.id if cause.result else ""
    id_ = digest("alarm", *names, log.raised, verdict.change, content)
    raised_by = id_ if is_raised else log.raised_by
    log.raised_by = id_ if is_raised else ""
    return Alarm(
        id_,
        about,
        detector,
        verdict.change,
        verdict.reason,
        raised_by,
        cause.time_ns,
        verdict.evidence,
        verdict.threshold,
        verdict.suspects,
        cause.result,
        cause.rows_seen,
        cause.evidence.segment,
        cause.evidence.rows,
    )
