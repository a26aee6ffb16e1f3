"""What is known of one model version under a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sidelight_detectors.alarms.rule import WHOLE, AlarmRule
from sidelight_detectors.contract import ColumnFinding, DriftFinding, Finding


@dataclass(slots=True)
class AlarmLog:
    """The alarms of one detector on one version: how many were raised, and the one that is."""

    raised: int = 0
    raised_by: str = ""


@dataclass(slots=True)
class Tally:
    """Windows that a detector judged, of all rows or a segment.

    `is_drift` is of the last one, `columns` of the last that was told.
    """

    windows: int = 0
    drifted: int = 0
    is_drift: bool = False
    columns: tuple[ColumnFinding, ...] = ()

    def is_news(self, finding: Finding | None) -> bool:
        """Whether it says something else than the window before."""
        return finding is not None and finding.is_drift != self.is_drift

    def take(self, finding: Finding | None) -> None:
        """One more window, if there was enough to judge."""
        if finding is None:
            return
        self.windows += 1
        self.drifted += finding.is_drift
        self.is_drift = finding.is_drift
        if isinstance(finding, DriftFinding):
            self.columns = finding.columns

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> Tally:
        columns = tuple(map(ColumnFinding.from_json, saved["columns"]))
        return cls(saved["windows"], saved["drifted"], saved["is_drift"], columns)


_PLAIN = ("rows", "flagged", "flagged_by", "alarms", "judged")


@dataclass(slots=True)
class VersionState:
    """`rules` and `alarms` are by detector, `judged` by detector and then by segment."""

    rules: Mapping[str, AlarmRule]
    rows: int = 0
    flagged: int = 0
    flagged_by: dict[str, int] = field(default_factory=dict)
    alarms: dict[str, AlarmLog] = field(default_factory=dict)
    judged: dict[str, dict[str, Tally]] = field(default_factory=dict)

    def tally(self, detector: str, segment: str = WHOLE) -> Tally:
        """What a detector has judged; kept from now on."""
        return self.judged.setdefault(detector, {}).setdefault(segment, Tally())

    def saved(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in _PLAIN}
        return {**plain, "rules": {name: rule.saved() for name, rule in self.rules.items()}}

    @classmethod
    def restored(cls, rules: Mapping[str, AlarmRule], saved: Mapping[str, Any]) -> VersionState:
        for name, rule in rules.items():
            rule.restore(saved["rules"][name])
        alarms = {name: AlarmLog(**log) for name, log in saved["alarms"].items()}
        judged = {
            detector: {segment: Tally.restored(one) for segment, one in tallies.items()}
            for detector, tallies in saved["judged"].items()
        }
        flagged_by = dict(saved["flagged_by"])
        return cls(rules, saved["rows"], saved["flagged"], flagged_by, alarms, judged)
