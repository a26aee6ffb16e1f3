"""What one model's traffic is compared with and how: shared by its scorers and its decider."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from sidelight.config.detecting.drift import DriftSettings
from sidelight.config.detecting.service import DetectorsSettings
from sidelight.events.dataref import Keeper
from sidelight_detectors.alarms.choosing import Alarms
from sidelight_detectors.alarms.rule import AlarmRule
from sidelight_detectors.cells import CategoricalCells
from sidelight_detectors.contract import ColumnFinding
from sidelight_detectors.fitted import DRIFT, Fitted
from sidelight_detectors.spending import spend
from sidelight_detectors.streaming.windows import CountWindows, EventTimeWindows, NoWindows, Windows

NS = 1_000_000_000


@dataclass(frozen=True)
class Plan:
    """One model's fitted reference under the service's settings.

    A plan with another `id` counts other things: its panes do not add up with these.
    """

    model: str
    fitted: Fitted
    service: DetectorsSettings
    served_as: str = ""
    """The model's name at its server; empty when it is the same."""
    store: Keeper | None = None
    """Where bodies are read from that were too large for their record."""

    @property
    def name_in_exchanges(self) -> str:
        """What the model's exchanges call it."""
        return self.served_as or self.model

    @property
    def id(self) -> str:
        return self.fitted.plan

    @property
    def bucket_ns(self) -> int:
        """Length of an event-time bucket: as set where that divides the window, else the window."""
        bucket_ns = round(self.service.bucket_seconds * NS)
        window_ns = self._window_ns
        return bucket_ns if not window_ns or window_ns % bucket_ns == 0 else window_ns

    @property
    def uses_event_time(self) -> bool:
        return self._window_ns > 0

    @property
    def outlier_rate(self) -> float:
        """The share of ordinary rows that may be flagged; 0 without an outlier detector."""
        outlier = self.fitted.settings.outlier
        return outlier.rate if outlier else 0.0

    @property
    def columns_unseen(self) -> tuple[ColumnFinding, ...]:
        """What stands for the findings before the first window: NaN, and the first threshold."""
        drift, names = self.fitted.drift, self.fitted.columns
        if drift is None:
            return ()
        threshold = spend(drift.alarm.false_alarms, 1) / len(names)
        unknown = (math.nan, math.nan, math.nan, math.nan, threshold, False)
        return tuple(
            ColumnFinding(
                column.name, "chi2" if isinstance(column, CategoricalCells) else "ks", *unknown
            )
            for column in self.fitted.grid.columns
        )

    @property
    def promise(self) -> str:
        """What is promised about false alarms of drift, and what it rests on."""
        return self.promise_of(DRIFT)

    def rules(self) -> dict[str, AlarmRule]:
        """What decides about alarms on one model version, by detector; nothing seen yet."""
        return {name: self._alarms.new(name) for name in self.fitted.judges}

    def promise_of(self, detector: str) -> str:
        """What this detector promises about false alarms, and what that rests on."""
        return self._alarms.promise_of(detector)

    def windows(self) -> Windows:
        """Empty windows as the settings want them."""
        if not self.fitted.judges:
            return NoWindows()
        drift = self.fitted.drift or DriftSettings()
        if self.uses_event_time:
            return EventTimeWindows(self._window_ns, round(self.service.lateness_seconds * NS))
        return CountWindows(drift.window)

    @cached_property
    def _alarms(self) -> Alarms:
        return Alarms(self.fitted)

    @property
    def _window_ns(self) -> int:
        drift = self.fitted.drift
        return round(drift.window_seconds * NS) if drift and drift.window_seconds else 0
