"""Asks about rows as they are and with each other group, and counts decisions that change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import DataMismatch
from sidelight.tensors import Columns
from sidelight_detectors.flips.changing import Change, asked_about
from sidelight_detectors.flips.counting import Counts, Limits, rate_of
from sidelight_detectors.flips.finding import FlipFinding
from sidelight_detectors.results.findings import Output
from sidelight_detectors.spending import spend
from sidelight_detectors.stations.asking import Refused
from sidelight_detectors.stations.batch import Batch, some_of
from sidelight_detectors.stations.saying import Alarms
from sidelight_detectors.stations.since import Since

if TYPE_CHECKING:
    from sidelight_detectors.flips.station import FlipsStation


class FlipsWatching:
    """One partition: a result every `window` rows that were asked about."""

    size = 0

    def __init__(self, station: FlipsStation, partition: int) -> None:
        self.counts: Counter[str] = Counter()
        self.last: FlipFinding | None = None
        self._station = station
        self._partition = partition
        self._speaker = station.speaker(partition)
        self._asker = station.asker(self.counts)
        self._alarms = Alarms(self._speaker, station.settings.clear_after)
        self.alarms: Alarms | None = self._alarms
        self._number = 0
        self._since = Since()
        self._flips: Counts = np.zeros((len(station.pairs), 4), np.int64)

    def take(self, batch: Batch) -> Iterator[Output]:
        afforded = some_of(batch, self._asker.affords(self._station.cost))
        if len(afforded):
            try:
                added = self._counted(afforded.rows)
            except (Refused, DataMismatch):
                self.counts["unjudged"] += 1
                return
            self._flips += added
            self._since.add(afforded, 0)
        self.counts["unafforded"] += len(batch) - len(afforded)
        if self._since.rows >= self._station.settings.window:
            yield from self._judged()

    def saved(self) -> dict[str, Any]:
        return {
            "number": self._number,
            "since": self._since.saved(),
            "flips": self._flips.tolist(),
            "alarms": self._alarms.saved(),
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        self._number = saved["number"]
        self._since = Since(*saved["since"])
        self._flips = np.array(saved["flips"], np.int64)
        self._alarms.restore(saved["alarms"])

    def _judged(self) -> Iterator[Output]:
        self._number += 1
        self.last = finding = self._finding()
        self.counts["windows"] += 1
        self.counts["drifted"] += finding.is_drift
        result = self._speaker.judged(finding, self._since.seen(self._partition))
        self._since, self._flips = Since(), np.zeros_like(self._flips)
        yield result
        yield from self._alarms.hear(result, finding)

    def _finding(self) -> FlipFinding:
        settings, pairs = self._station.settings, self._station.pairs
        alpha = spend(settings.false_alarms / self._station.partitions, self._number)
        limits = Limits(settings.confidence, alpha, settings.tolerance)
        told = zip(pairs, self._flips, strict=True)
        rates = tuple(rate_of(pair, counts, limits, len(pairs)) for pair, counts in told)
        numbers = (self._partition, self._number, self._since.rows)
        return FlipFinding(*numbers, alpha, settings.tolerance, rates)

    def _counted(self, rows: Columns) -> Counts:
        """What these rows add, by pair."""
        answers = self._asker.ask(asked_about(rows, self._station.changes))
        decided = self._station.decisions(answers).reshape(-1, len(rows))
        found, first = [], 1
        for change in self._station.changes:
            last = first + len(change.groups)
            found.append(self._flips_of(change, rows, decided[0], decided[first:last]))
            first = last
        return np.concatenate(found)

    def _flips_of(
        self, change: Change, rows: Columns, own: NDArray[np.float64], as_group: NDArray[np.float64]
    ) -> Counts:
        """`as_group` has the decisions with each group's value, ``(groups, n)``."""
        codes, favorable = change.codes(rows), self._station.favorable
        groups = range(len(change.groups))
        found = []
        for group, other in ((a, b) for a in groups for b in groups if a != b):
            before, after = own[codes == group], as_group[other][codes == group]
            known = ~(np.isnan(before) | np.isnan(after))
            was, would = np.isin(before, favorable), np.isin(after, favorable)
            counted = (known, before != after, would & ~was, was & ~would)
            found.append([int((known & one).sum()) for one in counted])
        return np.array(found, np.int64)
