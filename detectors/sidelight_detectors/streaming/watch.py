"""The watch over one model under one plan: windows judged, alarms raised and cleared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sidelight.errors import NotEnoughData
from sidelight.log import Address
from sidelight.log.topics import INFERENCE
from sidelight_detectors.contract import ColumnFinding
from sidelight_detectors.results.findings import (
    About,
    Alarm,
    DriftResult,
    OutlierResult,
    Output,
    Seen,
    Stretch,
    UnjudgedResult,
)
from sidelight_detectors.streaming.alarms import AlarmState
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
class VersionState:
    """What is known of one model version under the plan; `columns` are of its last window."""

    rows: int = 0
    flagged: int = 0
    windows: int = 0
    drifted: int = 0
    alarms: int = 0
    alarm: AlarmState = field(default_factory=AlarmState)
    columns: tuple[ColumnFinding, ...] = ()

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> VersionState:
        columns = tuple(map(ColumnFinding.from_json, saved["columns"]))
        return cls(**{**saved, "alarm": AlarmState(**saved["alarm"]), "columns": columns})


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
        return list(self.versions.items()) or [("", VersionState())]

    def accept(self, pane: Pane, watermark_ns: int) -> Iterator[Output]:
        """Flagged rows first, then the windows that are complete now."""
        for flag in pane.flags:
            yield self._outlier(flag, pane.partition)
        for part in map(self._watched_as, pane.slices):
            self._count(part)
            for window in self._windows.add(part, pane.partition, pane.bucket_ns):
                yield from self._judge(window)
        for window in self._windows.advance(watermark_ns):
            yield from self._judge(window)

    def close(self) -> Iterator[Output]:
        """Judges what windows are open, where nothing more can come."""
        for window in self._windows.close():
            yield from self._judge(window)

    def saved(self) -> dict[str, Any]:
        """For orjson, which writes dataclasses as objects."""
        return {
            "plan": self.plan.id,
            "versions": self.versions,
            "windows": self._windows.saved(),
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        pairs = saved["versions"].items()
        self.versions = {name: VersionState.from_json(version) for name, version in pairs}
        self._windows.restore(saved["windows"])

    def _about(self, version: str) -> About:
        return About(self.plan.model, version, self.plan.id)

    def _watched_as(self, part: Slice) -> Slice:
        known = part.version in self.versions or len(self.versions) < MAX_VERSIONS
        return part if known else replace(part, version=LATER)

    def _count(self, part: Slice) -> None:
        version = self.versions.setdefault(part.version, VersionState())
        version.rows += part.summary.rows
        version.flagged += part.summary.flagged

    def _outlier(self, flag: Flag, partition: int) -> OutlierResult:
        address = Address(INFERENCE, partition, flag.offset)
        return OutlierResult(
            digest("outlier", self.plan.model, self.plan.id, str(address), flag.row),
            self._about(flag.version),
            address,
            flag.row,
            flag.time_ns,
            flag.score,
            flag.p_value,
            self.plan.outlier_rate,
            flag.contributions,
        )

    def _judge(self, window: Window) -> Iterator[Output]:
        version = self.versions[window.version]
        number = version.windows + 1
        id_ = digest(
            "drift", self.plan.model, self.plan.id, window.version, number, window.content()
        )
        about, seen = self._about(window.version), _seen(window)
        try:
            finding = self.plan.fitted.judge(window.summary, number)
        except NotEnoughData as exc:
            yield UnjudgedResult(id_, about, seen, str(exc))
            return
        version.windows, version.columns = number, finding.columns
        result = DriftResult(id_, about, seen, finding, self.plan.promise)
        yield result
        yield from self._alarm(version, result)

    def _alarm(self, version: VersionState, result: DriftResult) -> Iterator[Alarm]:
        before = version.alarm
        if result.finding.is_drift:
            version.drifted += 1
            version.alarm, change = before.after_drift(result.id)
        else:
            version.alarm, change = before.after_quiet(self.plan.clear_after)
        if change is None:
            return
        version.alarms += change == "raised"
        yield Alarm(
            digest("alarm", result.id, change),
            result.about,
            change,
            "drift" if change == "raised" else "quiet",
            version.alarm.raised_by or before.raised_by,
            result.seen.last_ns,
            result,
        )


def _seen(window: Window) -> Seen:
    stretches = (
        Stretch(Address(INFERENCE, partition, first), Address(INFERENCE, partition, last))
        for partition, (first, last) in sorted(window.spans.items())
    )
    summary = window.summary
    return Seen(summary.rows, summary.flagged, tuple(stretches), window.first_ns, window.last_ns)
