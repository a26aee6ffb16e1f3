"""An alarm by windows: one with drift raises it, quiet ones in a row clear it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sidelight_detectors.alarms.rule import WHOLE, Suspect, Verdict
from sidelight_detectors.contract import DriftFinding, Finding
from sidelight_detectors.summary import Summary


class WindowRule:
    """Its promise is that of the windows' own thresholds (`sidelight_detectors.spending`).

    A window of any segment raises the alarm; `clear_after` quiet windows of all rows in a row,
    without one of a segment that drifted among them, clear it. Sliding windows count each time
    they are judged.
    """

    def __init__(self, clear_after: int) -> None:
        self.clear_after = clear_after
        self._active = False
        self._quiet = 0

    @property
    def active(self) -> bool:
        return self._active

    def observe(self, seen: Mapping[str, Summary], time_ns: int = 0) -> Verdict | None:
        """Panes say nothing here: windows do."""
        return None

    def judged(self, segment: str, finding: Finding) -> Verdict | None:
        if finding.is_drift:
            return self._drift(segment, finding)
        self._quiet += segment == WHOLE
        if not self._active or self._quiet < self.clear_after:
            return None
        self._active = False
        return Verdict("cleared", "quiet")

    def saved(self) -> dict[str, Any]:
        return {"active": self._active, "quiet": self._quiet}

    def restore(self, saved: Mapping[str, Any]) -> None:
        self._active, self._quiet = saved["active"], saved["quiet"]

    def _drift(self, segment: str, finding: Finding) -> Verdict | None:
        self._quiet = 0
        if self._active:
            return None
        self._active = True
        suspects = suspects_of(segment, finding) if isinstance(finding, DriftFinding) else ()
        evidence = suspects[0].evidence if suspects else 1.0
        return Verdict("raised", "drift", evidence, 1.0, suspects)


def suspects_of(segment: str, finding: DriftFinding) -> tuple[Suspect, ...]:
    """The columns that drifted, the largest lower bound first."""
    drifted = finding.drifted
    return tuple(Suspect(segment, one.column, one.threshold / one.p_value) for one in drifted)
