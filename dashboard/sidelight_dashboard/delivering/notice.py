"""What is told of an alarm, whoever it is told to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

import orjson

from sidelight_dashboard.alarms.naming import runbook_of, title_of
from sidelight_dashboard.alarms.one import one_alarm
from sidelight_dashboard.alarms.words import headline
from sidelight_dashboard.links import url_of
from sidelight_dashboard.showing import Showing

State = Literal["raised", "cleared"]


@dataclass(frozen=True, slots=True)
class Notice:
    """One change of an alarm. Times are nanoseconds of event time; `cleared_ns` is None before.

    `suspects` are columns, the worst first; `url` is the alarm's page, `runbook` what to do.
    """

    alarm: str
    state: State
    model: str
    version: str
    detector: str
    title: str
    subject: str
    headline: str
    reason: str
    evidence: float | None
    evidence_threshold: float | None
    suspects: tuple[str, ...]
    raised_ns: int
    cleared_ns: int | None
    cleared_reason: str
    url: str
    runbook: str

    @property
    def summary(self) -> str:
        """``Drift of income, version 2``."""
        return f"{self.title} of {self.subject}"


def notice_of(showing: Showing, id_: str, state: State) -> Notice:
    """Of the alarm as it is known now; raises `NotFound`."""
    told = one_alarm(showing, id_)
    alarm, settings = told.alarm, showing.settings.dashboard
    is_over = state == "cleared"
    return Notice(
        alarm.id,
        state,
        alarm.model,
        alarm.version,
        alarm.detector,
        title_of(alarm.detector),
        alarm.subject,
        headline(told.sizes),
        alarm.reason,
        alarm.evidence,
        alarm.evidence_threshold,
        tuple(dict.fromkeys(one.column for one in alarm.suspects if one.column)),
        alarm.raised_ns,
        alarm.cleared_ns if is_over else None,
        alarm.cleared_reason if is_over else "",
        url_of(settings) + alarm.path,
        "/".join(filter(None, (settings.runbooks.rstrip("/"), runbook_of(alarm.detector)))),
    )


def packed(notice: Notice) -> bytes:
    return orjson.dumps(asdict(notice))


def unpacked(content: bytes) -> Notice:
    told = orjson.loads(content)
    return Notice(**told | {"suspects": tuple(told["suspects"])})
