"""Model versions compared with each other: windows that have rows of the same time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sidelight_detectors.alarms.rule import WHOLE
from sidelight_detectors.alarms.windows import WindowRule
from sidelight_detectors.drift.between import WindowsJudge
from sidelight_detectors.results.findings import VERSIONS, About, Alarm, ComparisonResult
from sidelight_detectors.streaming.identity import digest
from sidelight_detectors.streaming.judging import seen_of
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.raising import Cause, alarm_of
from sidelight_detectors.streaming.states import AlarmLog
from sidelight_detectors.streaming.steps import Window

MAX_PARTNERS = 4
"""Versions that a window is compared with: those with the most rows at that time."""

MAX_PAIRS = 64
"""Pairs whose alarms are kept: those compared last, and those whose alarm is raised."""


@dataclass
class Pair:
    """The alarm of two versions."""

    rule: WindowRule
    log: AlarmLog = field(default_factory=AlarmLog)

    def saved(self) -> dict[str, Any]:
        return {"rule": self.rule.saved(), "log": self.log}


class Comparisons:
    """Pairs of versions under one plan, the one with the smaller name being the one compared with.

    `number` counts comparisons: the k-th spends ``6 alpha / (pi k)^2``, whichever pair it is of, so
    the promise holds for all pairs together and however many there are.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.number = 0
        self.pairs: dict[tuple[str, str], Pair] = {}

    def accept(
        self, window: Window, others: Iterable[Window]
    ) -> Iterator[ComparisonResult | Alarm]:
        """A window that was judged, and the last ones of the other versions."""
        partners = [other for other in others if self._is_partner(window, other)]
        partners.sort(key=lambda other: (-other.summary.rows, other.version))
        for partner in partners[:MAX_PARTNERS]:
            earlier, later = sorted((window, partner), key=lambda one: one.version)
            yield from self._compare(later, earlier)

    def of(self, version: str) -> list[Pair]:
        """The pairs this version is in."""
        return [pair for names, pair in self.pairs.items() if version in names]

    def saved(self) -> dict[str, Any]:
        pairs = [[*names, pair.saved()] for names, pair in self.pairs.items()]
        return {"number": self.number, "pairs": pairs}

    def restore(self, saved: Mapping[str, Any]) -> None:
        self.number = saved["number"]
        self.pairs = {}
        for version, against, known in saved["pairs"]:
            pair = self._new()
            pair.rule.restore(known["rule"])
            pair.log = AlarmLog(**known["log"])
            self.pairs[version, against] = pair

    def _is_partner(self, window: Window, other: Window) -> bool:
        """Whether both are of the same time and large enough."""
        one, two, least = window.extent, other.extent, self.plan.drift.min_rows
        return (
            window.index == other.index
            and one.first_ns <= two.last_ns
            and two.first_ns <= one.last_ns
            and min(window.summary.rows, other.summary.rows) >= least
        )

    def _compare(self, window: Window, against: Window) -> Iterator[ComparisonResult | Alarm]:
        pair = self._pair(window.version, against.version)
        if pair is None:
            return
        self.number += 1
        finding = self._judge.judge(window.summary, against.summary, self.number)
        about = About(self.plan.model, window.version, self.plan.id, against=against.version)
        names = (VERSIONS, about.model, about.plan, about.version, about.against, self.number)
        id_ = digest(*names, window.content(), against.content())
        seen = [seen_of(one.summary, one.extent) for one in (window, against)]
        promise = self.plan.promise_of(VERSIONS)
        result = ComparisonResult(id_, about, seen[0], seen[1], finding, promise)
        yield result
        verdict = pair.rule.judged(WHOLE, finding)
        if verdict is not None:
            time_ns = max(one.last_ns for one in seen)
            rows = finding.rows + finding.reference_rows
            cause = Cause(time_ns, rows, result)
            yield alarm_of(about, VERSIONS, pair.log, verdict, cause)

    def _pair(self, version: str, against: str) -> Pair | None:
        """None when all that are kept have their alarm raised."""
        names = (version, against)
        if names not in self.pairs and len(self.pairs) >= MAX_PAIRS:
            quiet = (known for known, pair in self.pairs.items() if not pair.rule.active)
            oldest = next(quiet, None)
            if oldest is None:
                return None
            del self.pairs[oldest]
        self.pairs[names] = self.pairs.pop(names) if names in self.pairs else self._new()
        return self.pairs[names]

    def _new(self) -> Pair:
        return Pair(WindowRule(self.plan.drift.alarm.clear_after))

    @cached_property
    def _judge(self) -> WindowsJudge:
        fitted, drift = self.plan.fitted, self.plan.drift
        alpha = drift.alarm.false_alarms
        return WindowsJudge(fitted.grid, fitted.reference, drift.window, alpha, drift.tolerance)
