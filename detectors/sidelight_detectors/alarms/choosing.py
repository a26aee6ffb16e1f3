"""Which rule decides about the alarms of a fitted reference, and what it promises."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sidelight.config.detecting.drift import AlarmSettings, DriftSettings
from sidelight_detectors.alarms.promises import of_sequential, of_windows
from sidelight_detectors.alarms.rule import AlarmRule
from sidelight_detectors.alarms.sequential import Promise, SequentialRule
from sidelight_detectors.alarms.stakes import REFERENCE_SHARE, Stakes, stakes_of_rows
from sidelight_detectors.alarms.windows import WindowRule
from sidelight_detectors.contract import Promising
from sidelight_detectors.fitted import DRIFT, Fitted

UNLUCKY = 0.05
"""Chance of an unlucky reference where a run length is promised; it is made longer for that."""


@dataclass(frozen=True, eq=False)
class Alarms:
    """The rules of one fitted reference; `new` gives one that has seen nothing yet."""

    fitted: Fitted

    def new(self, detector: str) -> AlarmRule:
        if not self._is_sequential(detector):
            return WindowRule(self._settings.clear_after)
        return SequentialRule(self._stakes, self._promise, self._settings.clear_after)

    def promise_of(self, detector: str) -> str:
        """What is promised about false alarms of this detector, and what that rests on."""
        part = self.fitted.parts.get(detector)
        if isinstance(part, Promising):
            return part.promise
        if not self.fitted.drift:
            return "No window is judged, so no drift alarm is ever raised."
        if not self._is_sequential(detector):
            return of_windows(self._settings.false_alarms, len(self.fitted.columns))
        return of_sequential(self.fitted.drift, self._stakes.null)

    def _is_sequential(self, detector: str) -> bool:
        return detector == DRIFT and self._settings.rule == "sequential"

    @property
    def _settings(self) -> AlarmSettings:
        return (self.fitted.drift or DriftSettings()).alarm

    @property
    def _promise(self) -> Promise:
        alarm = self._settings
        if alarm.run_length is not None:
            return Promise(alarm.false_alarms, UNLUCKY, alarm.run_length)
        return Promise(alarm.false_alarms, alarm.false_alarms * REFERENCE_SHARE)

    @cached_property
    def _stakes(self) -> Stakes:
        drift = self.fitted.drift or DriftSettings()
        grid, counts, grouping = self.fitted.grid, self.fitted.reference, self.fitted.grouping
        return stakes_of_rows(grid, counts, grouping, drift.tolerance, self._promise.eta)
