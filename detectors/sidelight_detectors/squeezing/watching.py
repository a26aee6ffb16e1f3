"""Asks about rows as they are and squeezed, and flags those whose answer does not stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sidelight.errors import DataMismatch
from sidelight.tensors import Columns
from sidelight_detectors.results.findings import Output
from sidelight_detectors.squeezing.calibrating import Calibrated, Distances
from sidelight_detectors.squeezing.distance import answer_of, apart
from sidelight_detectors.squeezing.squeezers import stacked
from sidelight_detectors.stations.asking import Refused, version_of
from sidelight_detectors.stations.batch import Batch, some_of
from sidelight_detectors.stations.saying import Alarms, Strange

if TYPE_CHECKING:
    from sidelight_detectors.squeezing.station import SqueezingStation

BLOCK_ROWS = 32
"""Reference rows of one question at most."""

METHOD = "feature-squeezing"


class SqueezingWatching:
    """One partition. Rows that come before the model is calibrated are not judged, and counted."""

    size = 0

    def __init__(self, station: SqueezingStation, partition: int) -> None:
        self.counts: Counter[str] = Counter()
        self.alarms: Alarms | None = None
        self._station = station
        self._asks = station.asks
        self._speaker = station.speaker(partition)
        self._asker = station.asker(self.counts)
        self._calibrations = station.calibrations

    def take(self, batch: Batch) -> Iterator[Output]:
        try:
            self._calibrate()
            afforded = some_of(batch, self._asker.affords(self._station.cost))
            yield from self._judged(afforded)
        except (Refused, DataMismatch):
            self.counts["unjudged"] += 1
            return
        self.counts["unafforded"] += len(batch) - len(afforded)

    def saved(self) -> dict[str, Any]:
        return self._calibrations.saved()

    def restore(self, saved: Mapping[str, Any]) -> None:
        self._calibrations.restore(saved)

    def _calibrate(self) -> None:
        """As far as the budget goes."""
        reference = self._asks.reference
        while len(missing := self._calibrations.missing):
            rows = missing[: min(self._asker.affords(self._station.cost), BLOCK_ROWS)]
            if not len(rows):
                return
            version, distances = self._ask(reference.take(rows))
            self._calibrations.add(version, rows, distances)

    def _judged(self, batch: Batch) -> Iterator[Output]:
        if not len(batch):
            return
        if len(self._calibrations.missing):
            self.counts["unjudged"] += 1
            return
        version, distances = self._ask(batch.rows)
        self._calibrations.version = version
        known = self._calibrations.of(version)
        if known is None:  # A new version, to be calibrated before the next batch.
            self.counts["unjudged"] += 1
            return
        self.counts["windows"] += 1
        yield from self._flagged(batch, version, distances, known)

    def _ask(self, rows: Columns) -> tuple[str, Distances]:
        """Who answered, and how far each squeezer moved the answer: ``(n, k)``."""
        answers = self._asker.ask(stacked(rows, self._asks.squeezers))
        answer = answer_of(answers, self._asks.output)
        return version_of(answers), apart(answer, len(self._asks.squeezers))

    def _flagged(
        self, batch: Batch, version: str, distances: Distances, known: Calibrated
    ) -> Iterator[Output]:
        p_values, multiples = known.p_values(distances), known.multiples(distances)
        speaker = replace(self._speaker, version=version)
        rate, bound = self._station.rate, self._station.bound
        for place in np.flatnonzero(p_values <= rate).tolist():
            self.counts["flagged"] += 1
            by = tuple(zip(self._station.names, multiples[place].tolist(), strict=True))
            score, p_value = float(multiples[place].max()), float(p_values[place])
            yield speaker.outlier(batch, place, Strange(score, METHOD, p_value, rate, by, bound))
