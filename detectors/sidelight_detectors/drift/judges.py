"""Drift of all rows and of each segment: one judge a scope, and what its windows may err by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from sidelight.config.detecting.drift import DriftSettings
from sidelight.errors import NotEnoughData
from sidelight_detectors.alarms.rule import WHOLE
from sidelight_detectors.contract import DriftFinding, DriftGlance
from sidelight_detectors.drift.judge import MIN_ROWS, DriftJudge
from sidelight_detectors.grid import Grid
from sidelight_detectors.moments import Moments
from sidelight_detectors.segments import ReferenceCounts
from sidelight_detectors.spending import spend
from sidelight_detectors.summary import Summary


@dataclass(frozen=True, eq=False)
class DriftJudges:
    """Judges windows of each of the scopes, all rows (`WHOLE`) first.

    Parameters
    ----------
    references:
        The reference rows of each scope.
    moments:
        Of all rows, if values are measured too.
    """

    grid: Grid
    drift: DriftSettings
    references: Mapping[str, ReferenceCounts]
    moments: Moments | None = None

    def judge(self, summary: Summary, window: int, scope: str) -> DriftFinding:
        """The window with this number; `NotEnoughData` when it, or its reference, is too small."""
        self._check_size(summary, scope)
        return self._judges[scope].judge(summary, window, self._alpha(window))

    def glance(self, summary: Summary, window: int, scope: str) -> DriftGlance:
        """Whether `judge` would find drift, for much less; it raises the same."""
        self._check_size(summary, scope)
        return self._judges[scope].glance(summary, window, self._alpha(window))

    @property
    def methods(self) -> tuple[str, ...]:
        """The test of each column."""
        return self._judges[WHOLE].methods

    def _check_size(self, summary: Summary, scope: str) -> None:
        known = self.references[scope].rows
        where = f" of segment {scope!r}" if scope else ""
        if summary.rows < self.drift.min_rows:
            raise NotEnoughData(
                f"{summary.rows} rows{where}; at least {self.drift.min_rows} are needed"
            )
        if known < MIN_ROWS:
            raise NotEnoughData(f"{known} rows{where} in the reference; {MIN_ROWS} are needed")

    def _alpha(self, window: int) -> float:
        """What a window of one scope may err by: they share it evenly.

        Where windows raise alarms it is what this one spends of the promise; else windows only name
        columns, and each may err by as much as the promise.
        """
        allowed = self.drift.alarm.false_alarms / len(self.references)
        return spend(allowed, window) if self.drift.alarm.rule == "windows" else allowed

    @cached_property
    def _judges(self) -> Mapping[str, DriftJudge]:
        return {scope: self._judge(scope) for scope in self.references}

    def _judge(self, scope: str) -> DriftJudge:
        reference = self.references[scope]
        window = round(self.drift.window * reference.rows / self.references[WHOLE].rows)
        moments = self.moments
        if moments is not None and scope != WHOLE:
            moments = moments.compared_with(reference.moments)
        return DriftJudge(
            self.grid,
            reference.counts,
            reference.grouping,
            reference.rows,
            window,
            self.drift,
            moments,
        )
