"""The watch over one model under one plan: windows judged, alarms raised and cleared."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

from sidelight.errors import NotEnoughData
from sidelight.log import Address
from sidelight.log.topics import INFERENCE
from sidelight_detectors.alarms.rule import WHOLE, AlarmRule, Verdict
from sidelight_detectors.alarms.units import DAY_NS
from sidelight_detectors.contract import ColumnFinding, DriftFinding
from sidelight_detectors.results.findings import (
    About,
    Alarm,
    DriftResult,
    OutlierResult,
    Output,
    Seen,
    Stretch,
    UnjudgedResult,
    WindowResult,
)
from sidelight_detectors.streaming.identity import digest
from sidelight_detectors.streaming.panes import Flag, Pane, Slice
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.windows import Window

MAX_VERSIONS = 32
"""Model versions watched each for itself: the first that a plan sees."""

LATER = "other"
"""The version under which all later ones are watched together.

So state, windows and metric labels are bounded, no version is ever forgotten with what it has
spent, and a server that invents a version for every call is watched all the same.
"""


@dataclass(slots=True)
class AlarmLog:
    """The alarms of one detector on one version: how many were raised, and the one that is."""

    raised: int = 0
    raised_by: str = ""


@dataclass(slots=True)
class VersionState:
    """What is known of one model version under the plan; `columns` are of its last window.

    `rules` and `alarms` are by detector.
    """

    rules: Mapping[str, AlarmRule]
    rows: int = 0
    flagged: int = 0
    windows: int = 0
    drifted: int = 0
    alarms: dict[str, AlarmLog] = field(default_factory=dict)
    columns: tuple[ColumnFinding, ...] = ()

    def saved(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in _PLAIN}
        return {**plain, "rules": {name: rule.saved() for name, rule in self.rules.items()}}

    @classmethod
    def restored(cls, rules: Mapping[str, AlarmRule], saved: Mapping[str, Any]) -> VersionState:
        for name, rule in rules.items():
            rule.restore(saved["rules"][name])
        counts = {name: saved[name] for name in ("rows", "flagged", "windows", "drifted")}
        alarms = {name: AlarmLog(**log) for name, log in saved["alarms"].items()}
        columns = tuple(map(ColumnFinding.from_json, saved["columns"]))
        return cls(rules, **counts, alarms=alarms, columns=columns)


_PLAIN = ("rows", "flagged", "windows", "drifted", "alarms", "columns")


class Watch:
    """Folds the panes of one plan. `versions` is what is known of each model version."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.versions: dict[str, VersionState] = {}
        self._windows = plan.windows()

    @property
    def lost(self) -> Counter[str]:
        """Rows that came into no window, by reason."""
        return self._windows.lost

    def known(self) -> list[tuple[str, VersionState]]:
        """The versions seen; a nameless one that has nothing yet when there is none."""
        return list(self.versions.items()) or [("", VersionState(self.plan.rules()))]

    def accept(self, pane: Pane, watermark_ns: int) -> Iterator[Output]:
        """Flagged rows first, then what the pane says, then the windows that are complete now."""
        for flag in pane.flags:
            yield self._outlier(flag, pane.partition)
        slices = [self._watched_as(part) for part in pane.slices]
        yield from self._observe(slices)
        for part in slices:
            for window in self._windows.add(part, pane.partition, pane.bucket_ns):
                yield from self._judge(window)
        for window in self._windows.advance(watermark_ns):
            yield from self._judge(window)

    def close(self) -> Iterator[Output]:
        """Judges what windows are open, where nothing more can come."""
        for window in self._windows.close():
            yield from self._judge(window)

    def raised(self) -> Iterator[tuple[str, str, str]]:
        """Version, detector and id of each alarm that is raised now."""
        for name, version in self.versions.items():
            for detector, log in version.alarms.items():
                if log.raised_by:
                    yield name, detector, log.raised_by

    def saved(self) -> dict[str, Any]:
        """For orjson, which writes dataclasses as objects."""
        return {
            "plan": self.plan.id,
            "versions": {name: version.saved() for name, version in self.versions.items()},
            "windows": self._windows.saved(),
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        self.versions = {
            name: VersionState.restored(self.plan.rules(), version)
            for name, version in saved["versions"].items()
        }
        self._windows.restore(saved["windows"])

    def _about(self, version: str, segment: str = WHOLE) -> About:
        return About(self.plan.model, version, self.plan.id, segment)

    def _watched_as(self, part: Slice) -> Slice:
        known = part.version in self.versions or len(self.versions) < MAX_VERSIONS
        watched = part if known else replace(part, version=LATER)
        self.versions.setdefault(watched.version, VersionState(self.plan.rules()))
        return watched

    def _outlier(self, flag: Flag, partition: int) -> OutlierResult:
        address = Address(INFERENCE, partition, flag.offset)
        return OutlierResult(
            digest(flag.detector, self.plan.model, self.plan.id, str(address), flag.row),
            self._about(flag.version),
            flag.detector,
            address,
            flag.row,
            flag.time_ns,
            flag.score,
            flag.p_value,
            self.plan.outlier_rate,
            flag.contributions,
        )

    def _observe(self, slices: Sequence[Slice]) -> Iterator[Output]:
        """Counts, and what the rules make of the pane's rows of each version."""
        for name, day in sorted({(part.version, _day(part)) for part in slices}):
            own = [part for part in slices if (part.version, _day(part)) == (name, day)]
            version = self.versions[name]
            whole = reduce(operator.add, own)
            version.rows += whole.summary.rows
            version.flagged += whole.summary.flagged("outlier")
            for detector, rule in version.rules.items():
                verdict = rule.observe({WHOLE: whole.summary}, whole.first_ns)
                if verdict is not None:
                    yield self._alarm(name, detector, verdict, whole.last_ns, None)

    def _judge(self, window: Window) -> Iterator[Output]:
        version = self.versions[window.version]
        number, is_judged = version.windows + 1, False
        for detector in self.plan.fitted.judges:
            result = self._judged_by(detector, window, number)
            yield result
            if isinstance(result, UnjudgedResult):
                continue
            is_judged = True
            if isinstance(result, DriftResult):
                version.drifted += result.finding.is_drift
                version.columns = result.finding.columns
            verdict = version.rules[detector].judged(WHOLE, result.finding)
            if verdict is not None:
                time_ns = result.seen.last_ns
                yield self._alarm(window.version, detector, verdict, time_ns, result)
        version.windows += is_judged

    def _judged_by(
        self, detector: str, window: Window, number: int
    ) -> DriftResult | WindowResult | UnjudgedResult:
        names = (detector, self.plan.model, self.plan.id, window.version, number)
        id_ = digest(*names, window.content())
        about, seen = self._about(window.version), _seen(window)
        try:
            finding = self.plan.fitted.judge_by(detector, window.summary, number)
        except NotEnoughData as exc:
            return UnjudgedResult(id_, about, detector, seen, str(exc))
        promise = self.plan.promise_of(detector)
        if isinstance(finding, DriftFinding):
            return DriftResult(id_, about, seen, finding, promise)
        return WindowResult(id_, about, detector, seen, finding, promise)

    def _alarm(
        self,
        version: str,
        detector: str,
        verdict: Verdict,
        time_ns: int,
        result: DriftResult | WindowResult | None,
    ) -> Alarm:
        log = self.versions[version].alarms.setdefault(detector, AlarmLog())
        log.raised += verdict.change == "raised"
        about = self._about(version)
        names = (detector, about.model, about.version, about.plan, log.raised, verdict.change)
        id_ = digest("alarm", *names, result.id if result else "")
        raised_by = id_ if verdict.change == "raised" else log.raised_by
        log.raised_by = id_ if verdict.change == "raised" else ""
        return Alarm(
            id_,
            about,
            detector,
            verdict.change,
            verdict.reason,
            raised_by,
            time_ns,
            verdict.evidence,
            verdict.threshold,
            verdict.suspects,
            result,
            self.versions[version].rows,
        )


def _day(part: Slice) -> int:
    """Of its event times, UTC."""
    return part.first_ns // DAY_NS


def _seen(window: Window) -> Seen:
    stretches = (
        Stretch(Address(INFERENCE, partition, first), Address(INFERENCE, partition, last))
        for partition, (first, last) in sorted(window.spans.items())
    )
    summary = window.summary
    return Seen(
        summary.rows, summary.flagged("outlier"), tuple(stretches), window.first_ns, window.last_ns
    )
