"""What one detector says of one partition: results and their promise, alarms by windows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sidelight.log import Address
from sidelight.log.topics import INFERENCE
from sidelight_detectors.alarms.rule import WHOLE, Suspect, Verdict
from sidelight_detectors.alarms.windows import WindowRule
from sidelight_detectors.contract import Finding
from sidelight_detectors.results.findings import (
    About,
    Alarm,
    OutlierResult,
    Output,
    PromiseResult,
    Seen,
    UnjudgedResult,
    WindowResult,
)
from sidelight_detectors.stations.batch import Batch
from sidelight_detectors.streaming.identity import digest


class StationFinding(Finding, Protocol):
    """What a station says of a window of its own: `number` counts from 1 in each partition."""

    @property
    def number(self) -> int: ...

    @property
    def reason(self) -> str:
        """Why an alarm is raised, in a word."""
        ...

    def suspects(self) -> tuple[Suspect, ...]:
        """Who is to blame, the worst first; evidence above 1 is beyond the threshold."""
        ...


@dataclass(frozen=True, slots=True)
class Strange:
    """Why a row is flagged: the fields of `OutlierResult` of the same names."""

    score: float
    method: str
    p_value: float = math.nan
    rate: float = math.nan
    contributions: tuple[tuple[str, float], ...] = ()
    bound: float | None = None
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Speaker:
    """Which detector of which model speaks, under which plan, of which partition.

    `version` is the model's where one version is asked or watched.
    """

    model: str
    detector: str
    plan: str
    partition: int
    promise: str
    version: str = ""

    @property
    def about(self) -> About:
        return About(self.model, self.version, self.plan)

    def id_of(self, *what: str | int) -> str:
        return digest(self.detector, self.model, self.plan, self.partition, *what)

    def begin(self, offset: int, time_ns: int) -> PromiseResult:
        """The plan comes into force with the record at `offset`."""
        address = Address(INFERENCE, self.partition, offset)
        id_ = self.id_of("promise", str(address))
        told = f"{self.detector}: {self.promise}"
        return PromiseResult(id_, self.about, address, time_ns, told)

    def judged(self, finding: StationFinding, seen: Seen) -> WindowResult:
        id_ = self.id_of(finding.number, *_ends(seen))
        return WindowResult(id_, self.about, self.detector, seen, finding, self.promise)

    def unjudged(self, number: int, seen: Seen, cause: Exception) -> UnjudgedResult:
        id_, reason = self.id_of(number, *_ends(seen)), f"{type(cause).__name__}: {cause}"
        return UnjudgedResult(id_, self.about, self.detector, seen, reason)

    def outlier(self, batch: Batch, place: int, why: Strange) -> OutlierResult:
        address = Address(INFERENCE, self.partition, int(batch.offsets[place]))
        row = int(batch.numbers[place])
        return OutlierResult(
            self.id_of(str(address), row),
            self.about,
            self.detector,
            address,
            row,
            int(batch.times[place]),
            why.score,
            why.p_value,
            why.rate,
            why.contributions,
            why.method,
            why.bound,
            threshold=why.threshold,
        )


class Alarms:
    """The alarm of one speaker; `raised` counts."""

    def __init__(self, speaker: Speaker, clear_after: int) -> None:
        self._speaker = speaker
        self._rule = WindowRule(clear_after)
        self.raised = 0
        self._raised_by = ""

    @property
    def active(self) -> bool:
        return self._rule.active

    def hear(self, result: WindowResult, finding: StationFinding) -> Iterator[Alarm]:
        verdict = self._rule.judged(WHOLE, finding)
        if verdict is None:
            return
        if verdict.change == "raised":
            suspects = finding.suspects()
            evidence = suspects[0].evidence if suspects else 1.0
            verdict = replace(verdict, reason=finding.reason, suspects=suspects, evidence=evidence)
        yield self._alarm(verdict, result)

    def saved(self) -> dict[str, Any]:
        return {"rule": self._rule.saved(), "raised": self.raised, "raised_by": self._raised_by}

    def restore(self, saved: Mapping[str, Any]) -> None:
        self._rule.restore(saved["rule"])
        self.raised, self._raised_by = saved["raised"], saved["raised_by"]

    def _alarm(self, verdict: Verdict, result: WindowResult) -> Alarm:
        is_raised = verdict.change == "raised"
        self.raised += is_raised
        id_ = self._speaker.id_of("alarm", self.raised, verdict.change, result.id)
        raised_by = id_ if is_raised else self._raised_by
        self._raised_by = id_ if is_raised else ""
        return Alarm(
            id_,
            result.about,
            result.detector,
            verdict.change,
            verdict.reason,
            raised_by,
            result.seen.last_ns,
            verdict.evidence,
            verdict.threshold,
            verdict.suspects,
            result,
        )


def ended(speaker: Speaker, before: Mapping[str, Any], time_ns: int) -> Iterator[Output]:
    """The alarm that an older plan left raised, if any."""
    if raised_by := before.get("alarms", {}).get("raised_by"):
        id_ = speaker.id_of("ended", raised_by)
        yield Alarm(id_, speaker.about, speaker.detector, "cleared", "new plan", raised_by, time_ns)


def _ends(seen: Seen) -> tuple[str, str]:
    (stretch,) = seen.exchanges
    return str(stretch.first), str(stretch.last)
