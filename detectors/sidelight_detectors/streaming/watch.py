"""The watch over one model under one plan: windows judged, alarms raised and cleared."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from itertools import groupby
from typing import Any

from sidelight.log import Address
from sidelight.log.topics import INFERENCE
from sidelight_detectors.alarms.rule import WHOLE, AlarmRule, Verdict, Weighing
from sidelight_detectors.alarms.units import DAY_NS
from sidelight_detectors.results.findings import (
    VERSIONS,
    About,
    Alarm,
    OutlierResult,
    Output,
    UnjudgedResult,
)
from sidelight_detectors.streaming.comparisons import Comparisons
from sidelight_detectors.streaming.evidence import evidence_of
from sidelight_detectors.streaming.folds import Traced
from sidelight_detectors.streaming.identity import digest
from sidelight_detectors.streaming.judging import (
    Judgement,
    Told,
    findings_of,
    glance,
    judge,
    result_of,
    told,
)
from sidelight_detectors.streaming.panes import Flag, Pane, Slice
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.raising import Cause, Raised, alarm_of
from sidelight_detectors.streaming.states import AlarmLog, Tally, VersionState
from sidelight_detectors.streaming.steps import Window
from sidelight_detectors.streaming.trace import Trace
from sidelight_detectors.summary import Summary

MAX_VERSIONS = 32
"""Model versions watched each for itself: the first that a plan sees."""

LATER = "other"
"""The version under which all later ones are watched together.

So state, windows and metric labels are bounded, no version is ever forgotten with what it has
spent, and a server that invents a version for every call is watched all the same.
"""


class Watch:
    """Folds the panes of one plan. `versions` is what is known of each model version.

    `folds` are the detectors that remember rows.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.versions: dict[str, VersionState] = {}
        self.comparisons = Comparisons(plan)
        self.folds = plan.folds()
        self._windows = plan.windows()
        self._last: dict[str, Window] = {}

    @property
    def lost(self) -> Counter[str]:
        """Rows that came into no window, by reason."""
        return self._windows.lost

    @property
    def last(self) -> dict[str, Window]:
        """The last window of each version that was judged."""
        return dict(self._last)

    def known(self) -> list[tuple[str, VersionState]]:
        """The versions seen; a nameless one that has nothing yet when there is none."""
        return list(self.versions.items()) or [("", VersionState(self.plan.rules()))]

    def accept(self, pane: Pane, watermark_ns: int, at: int = 0) -> Iterator[Output]:
        """Flagged rows first, then what the pane says, then the windows that are complete now.

        Last comes what folds make of its rows. `at` is the pane's offset.
        """
        for flag in pane.flags:
            yield self._outlier(flag, pane.partition)
        slices: dict[str, list[Slice]] = {}
        for part in map(self._watched_as, pane.slices):
            slices.setdefault(part.version, []).append(part)
        windows = [
            window
            for parts in slices.values()
            for window in self._windows.add(parts, pane.partition, pane.bucket_ns)
        ]
        for version, parts in slices.items():
            yield from self._observe(version, parts)
        for window in windows + self._windows.advance(watermark_ns):
            yield from self._judge(window)
        traced = Traced(self._named(pane.trace), at, watermark_ns)
        for fold in self.folds.values():
            yield from fold.accept(traced)

    def remember(self, trace: Trace, watermark_ns: int, at: int) -> None:
        """A trace that was accepted before the state that was restored."""
        if trace.plan == self.plan.id:
            traced = Traced(self._named(trace), at, watermark_ns)
            for fold in self.folds.values():
                if fold.needs_from is not None and at >= fold.needs_from:
                    fold.remember(traced)

    @property
    def needs_from(self) -> int | None:
        """Offset of the oldest pane whose trace must be remembered; None when none must."""
        needed = [fold.needs_from for fold in self.folds.values()]
        return min((at for at in needed if at is not None), default=None)

    def _named(self, trace: Trace) -> Trace:
        """Versions as they are watched; those of its rows are known by now."""
        if all(name in self.versions for name in trace.versions):
            return trace
        names = (name if name in self.versions else LATER for name in trace.versions)
        return replace(trace, versions=tuple(names))

    def close(self) -> Iterator[Output]:
        """Judges what windows are open, where nothing more can come."""
        for window in self._windows.close():
            yield from self._judge(window)
        for fold in self.folds.values():
            yield from fold.close()

    def raised(self) -> Iterator[Raised]:
        """The alarms that are raised now."""
        for name, version in self.versions.items():
            for detector, log in version.alarms.items():
                if log.raised_by:
                    yield Raised(name, "", detector, log.raised_by)
        for (name, against), pair in self.comparisons.pairs.items():
            if pair.log.raised_by:
                yield Raised(name, against, VERSIONS, pair.log.raised_by)

    def saved(self) -> dict[str, Any]:
        """For orjson, which writes dataclasses as objects."""
        return {
            "plan": self.plan.id,
            "versions": {name: version.saved() for name, version in self.versions.items()},
            "comparisons": self.comparisons.saved(),
            "windows": self._windows.saved(),
            "folds": {name: fold.saved() for name, fold in self.folds.items()},
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        self.versions = {
            name: VersionState.restored(self.plan.rules(), version)
            for name, version in saved["versions"].items()
        }
        self.comparisons.restore(saved["comparisons"])
        self._windows.restore(saved["windows"])
        judged = ((name, self._windows.last(name)) for name in self.versions)
        self._last = {name: window for name, window in judged if window}
        for name, fold in self.folds.items():
            fold.restore(saved["folds"][name])

    def _watched_as(self, part: Slice) -> Slice:
        known = part.version in self.versions or len(self.versions) < MAX_VERSIONS
        watched = part if known else replace(part, version=LATER)
        if watched.version not in self.versions:
            self.versions[watched.version] = VersionState(self.plan.rules())
        return watched

    def _outlier(self, flag: Flag, partition: int) -> OutlierResult:
        address = Address(INFERENCE, partition, flag.offset)
        flagger = self.plan.flaggers[flag.detector]
        return OutlierResult(
            digest(flag.detector, self.plan.model, self.plan.id, str(address), flag.row),
            self._about(flag.version),
            flag.detector,
            address,
            flag.row,
            flag.time_ns,
            flag.score,
            flag.p_value,
            flagger.expected_rate,
            flag.contributions,
            method=flagger.method,
            bound=flagger.rate_bound,
            reasons=flag.reasons,
        )

    def _observe(self, name: str, slices: Sequence[Slice]) -> Iterator[Output]:
        """Counts, and what the rules make of the pane's rows of a version, day by day."""
        version = self.versions[name]
        for _, found in groupby(sorted(slices, key=_day), key=_day):
            own = list(found)
            seen = _seen(own)
            version.rows += seen[WHOLE].rows
            version.flagged += seen[WHOLE].flagged("outlier")
            for flagger in self.plan.flaggers:
                before = version.flagged_by.get(flagger, 0)
                version.flagged_by[flagger] = before + seen[WHOLE].flagged(flagger)
            first_ns = min(part.first_ns for part in own)
            for detector, rule in version.rules.items():
                verdict = rule.observe(seen, first_ns)
                if verdict is not None:
                    last_ns = max(part.last_ns for part in own)
                    yield self._between_windows(name, detector, verdict, last_ns)

    def _judge(self, window: Window) -> Iterator[Output]:
        """What all detectors say of a window, and how it compares with other versions'."""
        for detector in self.plan.fitted.judges:
            yield from self._judge_by(detector, window)
        if window.is_fresh and self.plan.compares_versions:
            others = [last for name, last in self._last.items() if name != window.version]
            yield from self.comparisons.accept(window, others)
        self._last[window.version] = window

    def _judge_by(self, detector: str, window: Window) -> Iterator[Output]:
        """What a detector says of all rows and of each segment that has some."""
        state, judged = self.versions[window.version], []
        for scope in self.plan.scopes_of(detector):
            if window.of(scope) is None:
                continue
            tally, rule = state.tally(detector, scope), state.rules[detector]
            judgement, is_told = _looked_at(self.plan, window, detector, scope, tally, rule)
            tally.take(judgement.finding)
            judged.append(judgement)
            if is_told:
                yield _weighed(result_of(self.plan, window, judgement), rule)
        for scope, finding in findings_of(judged):
            verdict = state.rules[detector].judged(scope, finding)
            if verdict is not None:
                whole = judge(self.plan, window, detector, WHOLE, judged[0].number)
                result = told(result_of(self.plan, window, whole))
                yield self._alarm(window, detector, verdict, result)

    def _between_windows(
        self, version: str, detector: str, verdict: Verdict, last_ns: int
    ) -> Alarm:
        """Where a pane decided: over the rows that came last, judged as the last window was."""
        window = self._windows.recent(version)
        if window is None:
            log = self.versions[version].alarms.setdefault(detector, AlarmLog())
            cause = Cause(last_ns, self.versions[version].rows)
            return alarm_of(self._about(version), detector, log, verdict, cause)
        number = max(self.versions[version].tally(detector).windows, 1)
        judgement = judge(self.plan, window, detector, WHOLE, number)
        return self._alarm(window, detector, verdict, told(result_of(self.plan, window, judgement)))

    def _alarm(self, window: Window, detector: str, verdict: Verdict, result: Told | None) -> Alarm:
        state = self.versions[window.version]
        cause = Cause(window.extent.last_ns, window.rows_seen, result)
        if verdict.change == "raised":
            evidence = evidence_of(self.plan, window, state, verdict.suspects)
            cause = replace(cause, evidence=evidence)
        log = state.alarms.setdefault(detector, AlarmLog())
        return alarm_of(self._about(window.version), detector, log, verdict, cause)

    def _about(self, version: str) -> About:
        return About(self.plan.model, version, self.plan.id)


def _looked_at(
    plan: Plan, window: Window, detector: str, scope: str, tally: Tally, rule: AlarmRule
) -> tuple[Judgement, bool]:
    """The judgement, and whether it is told.

    Overlapping windows mostly say the same, so only what is new is told, and of the rest no more
    is computed than whether there is drift; all of it where that may raise an alarm.
    """
    asked = (plan, window, detector, scope, tally.windows + 1)
    if window.is_fresh:
        return judge(*asked), True
    seen = glance(*asked)
    is_news = tally.is_news(seen.finding)
    raises = seen.finding is not None and seen.finding.is_drift and not rule.active
    return (judge(*asked) if is_news or raises else seen), is_news


def _weighed(result: Told | UnjudgedResult, rule: AlarmRule) -> Told | UnjudgedResult:
    """With the evidence the rule has by now, which is of all rows and segments together."""
    if result.about.segment != WHOLE or isinstance(result, UnjudgedResult):
        return result
    if not isinstance(rule, Weighing):
        return result
    return replace(result, e_value=rule.e_value, e_value_threshold=rule.threshold)


def _day(part: Slice) -> int:
    """Of its event times, UTC."""
    return part.first_ns // DAY_NS


def _seen(slices: Sequence[Slice]) -> dict[str, Summary]:
    """The rows of a pane, all of them and by segment."""
    seen: dict[str, Summary] = {}
    for part in slices:
        known = seen.get(part.segment)
        seen[part.segment] = part.summary if known is None else known + part.summary
    return {WHOLE: reduce(operator.add, seen.values()), **seen}
