"""How a detector is fed: whole batches against the reference, row by row, or rows for outliers.

What each says is a fold of the rows of one partition in the order of the log. `saved` is all that
the fold carries from one batch to the next; with it a fresh detector goes on to the last bit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np

from sidelight.config.detecting.alibi import AlibiSettings
from sidelight_detectors.alibi.arrays import as_list, packed, unpacked
from sidelight_detectors.alibi.finding import AlibiFinding, own_threshold, p_values
from sidelight_detectors.alibi.kinds import KINDS, PERMUTING, UNKNOWN
from sidelight_detectors.alibi.matrix import matrix_of
from sidelight_detectors.alibi.seeding import reseed
from sidelight_detectors.results.findings import Output
from sidelight_detectors.spending import spend
from sidelight_detectors.stations.batch import Batch
from sidelight_detectors.stations.contract import Watching
from sidelight_detectors.stations.saying import Alarms, Speaker, Strange

MAX_FLAGS = 100
"""Rows of a batch that are told of at most, the strangest first; all are counted."""


class AlibiWatching(Watching, Protocol):
    """`last` is what the detector found last, for metrics."""

    last: AlibiFinding | None


class BatchWatching:
    """A drift detector of batches.

    Where a promise is made, batch k is drift when a p-value is below its part of `false_alarms`,
    shared by partitions and columns; else when alibi-detect says so.
    """

    def __init__(
        self,
        detector: Any,
        speaker: Speaker,
        settings: AlibiSettings,
        columns: tuple[str, ...],
        partitions: int,
    ) -> None:
        self.size = settings.window
        self.counts: Counter[str] = Counter()
        self.alarms: Alarms | None = Alarms(speaker, settings.clear_after)
        self.last: AlibiFinding | None = None
        self._alarms = self.alarms
        self._detector = detector
        self._speaker = speaker
        self._seed = settings.seed
        self._alpha = settings.false_alarms / partitions
        self._columns = columns
        self._number = 0

    def take(self, batch: Batch) -> Iterator[Output]:
        self._number += 1
        seen = batch.seen(self._speaker.partition, 0)
        self.counts["windows"] += 1
        try:
            reseed(self._seed, self._number)
            data = self._detector.predict(matrix_of(batch.rows))["data"]
            finding = self._finding(data, len(batch))
        except Exception as exc:  # Their code on data of others: it costs this batch.
            self.counts["unjudged"] += 1
            yield self._speaker.unjudged(self._number, seen, exc)
            return
        self.last = finding
        self.counts["drifted"] += finding.is_drift
        result = self._speaker.judged(finding, seen)
        yield result
        yield from self._alarms.hear(result, finding)

    def saved(self) -> dict[str, Any]:
        return {"number": self._number, "alarms": self._alarms.saved()}

    def restore(self, saved: Mapping[str, Any]) -> None:
        self._number = saved["number"]
        self._alarms.restore(saved["alarms"])

    def _finding(self, data: Mapping[str, Any], rows: int) -> AlibiFinding:
        name = type_of(self._detector)
        permutations = getattr(innermost(self._detector), "n_permutations", 0)
        p_value = p_values(name, data, permutations)
        threshold = own_threshold(data, len(p_value))
        says = bool(np.any(data["is_drift"]))
        is_drift = says
        if KINDS.get(name, UNKNOWN).promises:
            threshold = (spend(self._alpha, self._number) / len(p_value),) * len(p_value)
        if name in PERMUTING or KINDS.get(name, UNKNOWN).promises:
            is_drift = any(p < limit for p, limit in zip(p_value, threshold, strict=True))
        return AlibiFinding(
            name,
            self._speaker.partition,
            self._number,
            rows,
            is_drift,
            says,
            self._columns if len(self._columns) == len(p_value) else (),
            tuple(as_list(data["distance"])),
            p_value,
            threshold,
        )


class RowWatching:
    """An outlier detector: a batch of rows in, those above its threshold out."""

    def __init__(self, detector: Any, speaker: Speaker, settings: AlibiSettings) -> None:
        self.size = settings.window
        self.counts: Counter[str] = Counter()
        self.alarms: Alarms | None = None
        self.last: AlibiFinding | None = None
        self._detector = detector
        self._type = type_of(detector)
        self._speaker = speaker
        self._seed = settings.seed
        self._number = 0

    def take(self, batch: Batch) -> Iterator[Output]:
        self._number += 1
        self.counts["windows"] += 1
        try:
            reseed(self._seed, self._number)
            data = self._detector.predict(matrix_of(batch.rows))["data"]
            scores = np.asarray(data["instance_score"], np.float64).reshape(len(batch), -1).max(1)
        except Exception as exc:  # As in `BatchWatching`.
            self.counts["unjudged"] += 1
            yield self._speaker.unjudged(self._number, batch.seen(self._speaker.partition, 0), exc)
            return
        threshold = float(self._detector.threshold)
        flagged = np.flatnonzero(scores > threshold)
        self.counts["flagged"] += len(flagged)
        strangest = flagged[np.argsort(-scores[flagged], kind="stable")[:MAX_FLAGS]]
        for place in np.sort(strangest):
            why = Strange(float(scores[place]), self._type, threshold=threshold)
            yield self._speaker.outlier(batch, int(place), why)

    def saved(self) -> dict[str, Any]:
        learned = {name: packed(np.asarray(value)) for name, value in self._learned().items()}
        return {"number": self._number, "learned": learned}

    def restore(self, saved: Mapping[str, Any]) -> None:
        self._number = saved["number"]
        for name, value in saved["learned"].items():
            array = unpacked(value)
            setattr(self._detector, name, array if array.ndim else array.item())

    def _learned(self) -> dict[str, Any]:
        """What Mahalanobis makes of the rows it scores; the others learn nothing."""
        if type_of(self._detector) != "Mahalanobis":
            return {}
        names = ("mean", "C", "n", "clip")
        return {
            name: value for name in names if (value := getattr(self._detector, name)) is not None
        }


def type_of(detector: Any) -> str:
    """The name of alibi-detect's class."""
    return type(detector).__name__


def innermost(detector: Any) -> Any:
    """The one that works: some classes only hand on to that of their backend."""
    while hasattr(detector, "_detector"):
        detector = detector._detector
    return detector
