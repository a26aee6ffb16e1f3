"""What the detectors of alibi-detect in this process found last."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from sidelight_detectors.alibi.finding import AlibiFinding
from sidelight_detectors.stations.metrics import LABELS, Pairs, labels_of

FOUND = {
    "statistic": "The statistic of the last batch or row, by alibi-detect's class.",
    "p_value": "The p-value of the last batch.",
    "threshold": "What the p-value had to be below, or where there is none the statistic above.",
}


class AlibiCollector(Collector):
    """A feature is empty where columns are judged together."""

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from (self._found(field) for field in FOUND)

    def _found(self, field: str) -> GaugeMetricFamily:
        labels = [*LABELS, "feature", "partition"]
        family = GaugeMetricFamily(f"sidelight_alibi_{field}", FOUND[field], labels=labels)
        for station, crew in self._pairs:
            for worker in crew.workers:
                last = getattr(worker.watching, "last", None)
                for name, value in _values(last, field) if isinstance(last, AlibiFinding) else ():
                    place = [*labels_of(station), name, str(worker.partition)]
                    family.add_metric(place, value)
        return family


def _values(last: AlibiFinding, field: str) -> Iterator[tuple[str, float]]:
    values: tuple[float, ...] = getattr(last, field)
    return zip(last.columns or ("",) * len(values), values, strict=False)
