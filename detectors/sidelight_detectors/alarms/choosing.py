"""Which rule decides about the alarms of a fitted reference, and what it promises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from sidelight.config.detecting.drift import AlarmSettings, DriftSettings
from sidelight_detectors.alarms.blocks import BLOCKS, Blocks
from sidelight_detectors.alarms.promises import of_sequential, of_windows
from sidelight_detectors.alarms.rule import WHOLE, AlarmRule, Ruling
from sidelight_detectors.alarms.sequential import Promise, SequentialRule
from sidelight_detectors.alarms.stakes import Stakes, stakes_of_blocks, stakes_of_rows
from sidelight_detectors.alarms.windows import WindowRule
from sidelight_detectors.contract import Promising
from sidelight_detectors.fitted import DRIFT, Fitted
from sidelight_detectors.segments import ReferenceCounts

REFERENCE_SHARE = 0.5
"""Of the promise that is kept for a reference unlike what it was drawn from (eta of alpha)."""

UNLUCKY = 0.05
"""Chance of an unlucky reference where a run length is promised; it is made longer for that."""

SEGMENT_LEVELS = 8
"""Cuts of a numeric column in each segment: there are many, and all is kept for each of them."""

SEGMENT_ROWS = 20
"""Segments with fewer rows in the reference have no bets of their own."""


@dataclass(frozen=True, eq=False)
class Alarms:
    """The rules of one fitted reference; `new` gives one that has seen nothing yet."""

    fitted: Fitted

    def new(self, detector: str) -> AlarmRule:
        part = self.fitted.parts.get(detector)
        if isinstance(part, Ruling):
            return part.rule()
        if not self._is_sequential(detector):
            return WindowRule(self._settings.clear_after * self._slides)
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
        return of_sequential(self.fitted.drift, self._stakes[WHOLE].null)

    def _is_sequential(self, detector: str) -> bool:
        return detector == DRIFT and self._settings.rule == "sequential"

    @property
    def _slides(self) -> int:
        """How often a window is judged until all of its rows are new."""
        return self.fitted.drift.slides if self.fitted.drift else 1

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
    def _stakes(self) -> Mapping[str, Stakes]:
        fitted, tolerance = self.fitted, (self.fitted.drift or DriftSettings()).tolerance
        blocks = fitted.parts.get(BLOCKS)
        if isinstance(blocks, Blocks):
            return {WHOLE: stakes_of_blocks(blocks, tolerance, self._promise.eta)}
        whole = ReferenceCounts(fitted.rows, fitted.reference, fitted.grouping)
        parts = {
            name: reference
            for name, reference in self._references.items()
            if reference.rows >= SEGMENT_ROWS
        }
        eta = self._promise.eta / (2 if parts else 1)
        stakes = {WHOLE: stakes_of_rows(fitted.grid, whole, tolerance, eta)}
        for name, part in parts.items():
            share = eta / len(parts)
            stakes[name] = stakes_of_rows(fitted.grid, part, tolerance, share, SEGMENT_LEVELS)
        return stakes

    @property
    def _references(self) -> Mapping[str, ReferenceCounts]:
        segments = self.fitted.segments
        return dict(zip(segments.names, segments.references, strict=True)) if segments else {}
