"""What one model's traffic is compared with and how: shared by its scorers and its decider."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sidelight.config.detecting.drift import DriftSettings
from sidelight.config.detecting.service import DetectorsSettings
from sidelight.events.dataref import Keeper
from sidelight.probes import TRUST_NOBODY, Verifier
from sidelight_detectors.alarms.choosing import Alarms
from sidelight_detectors.alarms.rule import WHOLE, AlarmRule
from sidelight_detectors.contract import ColumnFinding, Flagger
from sidelight_detectors.fitted import DRIFT, Fitted
from sidelight_detectors.labels.contract import Labelling
from sidelight_detectors.results.findings import VERSIONS
from sidelight_detectors.spending import spend
from sidelight_detectors.streaming.folds import Fold, Folding, Watched
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
    probes: Verifier = TRUST_NOBODY
    """Tells which exchanges Sidelight asked itself."""

    @property
    def name_in_exchanges(self) -> str:
        """What the model's exchanges call it."""
        return self.served_as or self.model

    @property
    def id(self) -> str:
        return self.fitted.plan

    @property
    def client_header(self) -> str:
        """The header that names who asks, in lower case; empty when none does."""
        adversarial = self.fitted.settings.adversarial
        return adversarial.client.lower() if adversarial and adversarial.client else ""

    @property
    def number_of_label(self) -> Callable[[Any], float] | None:
        """How a label becomes a number; None where no detector wants labels."""
        if self.fitted.settings.labels is None:
            return None
        parts = self.fitted.parts.values()
        return next((part.number_of_label for part in parts if isinstance(part, Labelling)), None)

    def folds(self) -> dict[str, Fold]:
        """What remembers rows, by detector; nothing seen yet."""
        watched = Watched(self.model, self.id, self.fitted.parts)
        parts = self.fitted.parts.items()
        return {name: part.fold(watched) for name, part in parts if isinstance(part, Folding)}

    @cached_property
    def bucket_ns(self) -> int:
        """Length of an event-time bucket: as set where that divides the slide, else the slide."""
        bucket_ns = round(self.service.bucket_seconds * NS)
        slide_ns = self._slide_ns
        return bucket_ns if not slide_ns or slide_ns % bucket_ns == 0 else slide_ns

    @property
    def piece_rows(self) -> int:
        """Rows between two places where a count window may end; 0 where none ever does."""
        if self.uses_event_time or not self.fitted.judges:
            return 0
        return self.drift.slide or self.drift.window

    @property
    def parts(self) -> tuple[str, ...]:
        """What panes are cut into: segments, or `WHOLE` alone."""
        return self.fitted.scopes[1:] or self.fitted.scopes

    def scopes_of(self, detector: str) -> tuple[str, ...]:
        """What it judges windows of: all rows first. Only drift knows of segments."""
        return self.fitted.scopes if detector == DRIFT else (WHOLE,)

    @property
    def compares_versions(self) -> bool:
        return self.fitted.drift is not None and self.drift.compare_versions

    @property
    def uses_event_time(self) -> bool:
        return self._window_ns > 0

    @property
    def follows_time(self) -> bool:
        """Whether something waits for event time to go on, also while nobody asks."""
        parts = self.fitted.parts.values()
        return self.uses_event_time or any(isinstance(part, Folding) for part in parts)

    @property
    def outlier_rate(self) -> float:
        """The share of ordinary rows that may be flagged; 0 without an outlier detector."""
        outlier = self.fitted.settings.outlier
        return outlier.rate if outlier else 0.0

    @cached_property
    def flaggers(self) -> Mapping[str, Flagger]:
        """The detectors that flag rows."""
        return self.fitted.flaggers

    @property
    def columns_unseen(self) -> tuple[ColumnFinding, ...]:
        """What stands for the findings before the first window: NaN, and the first threshold."""
        drift, names = self.fitted.drift, self.fitted.columns
        if drift is None:
            return ()
        alpha = drift.alarm.false_alarms / len(self.fitted.scopes)
        threshold = spend(alpha, 1) / len(names)
        unknown = (math.nan, math.nan, math.nan, math.nan, threshold, False)
        return tuple(
            ColumnFinding(name, method, *unknown)
            for name, method in zip(names, self.fitted.methods, strict=True)
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
        if detector == VERSIONS:
            return self._promise_of_versions
        return self._alarms.promise_of(detector)

    @property
    def _promise_of_versions(self) -> str:
        return (
            "The chance that any alarm ever raised between versions of this model is false is at "
            f"most {self.drift.alarm.false_alarms:g}, beside the promises of the versions' own "
            "alarms, as long as the rows of two versions are drawn independently and alike. "
            f"Comparison k spends 6/(pi k)^2 of it, shared by {len(self.fitted.columns)} columns."
        )

    def windows(self) -> Windows:
        """Empty windows as the settings want them."""
        if not self.fitted.judges:
            return NoWindows()
        if self.uses_event_time:
            lateness_ns = round(self.service.lateness_seconds * NS)
            return EventTimeWindows(self._window_ns, self._slide_ns, lateness_ns)
        return CountWindows(self.drift.window, self.piece_rows)

    @property
    def drift(self) -> DriftSettings:
        """What windows follow, also those of a model without the drift detector."""
        return self.fitted.drift or DriftSettings()

    @cached_property
    def _alarms(self) -> Alarms:
        return Alarms(self.fitted)

    @property
    def _window_ns(self) -> int:
        return round((self.drift.window_seconds or 0) * NS)

    @property
    def _slide_ns(self) -> int:
        slide_seconds = self.drift.slide_seconds
        return round(slide_seconds * NS) if slide_seconds else self._window_ns
