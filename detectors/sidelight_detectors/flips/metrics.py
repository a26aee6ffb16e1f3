"""How often decisions changed with the attribute alone, in the last windows."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from sidelight_detectors.flips.finding import FlipFinding, FlipRate
from sidelight_detectors.stations.metrics import Pairs

FOUND = {
    "rate": "Share of the last window's rows of a group whose decision changed as another group.",
    "rate_low": "The least that this share may be, with the configured confidence.",
    "rate_high": "The most that this share may be, with the configured confidence.",
    "rows": "Rows of the last window that the share rests on.",
}
FIELDS = {"rate": "rate", "rate_low": "low", "rate_high": "high", "rows": "rows"}
LABELS = ("model", "feature", "group", "other", "partition")


class FlipCollector(Collector):
    """Groups are those of the configuration or of the reference."""

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs

    def collect(self) -> Iterator[GaugeMetricFamily]:
        found = list(self._rates())
        for name, text in FOUND.items():
            family = GaugeMetricFamily(f"sidelight_flips_{name}", text, labels=LABELS)
            for model, partition, one in found:
                labels = [model, one.attribute, one.group, one.other, partition]
                family.add_metric(labels, getattr(one, FIELDS[name]))
            yield family

    def _rates(self) -> Iterator[tuple[str, str, FlipRate]]:
        for station, crew in self._pairs:
            for worker in crew.workers:
                last = getattr(worker.watching, "last", None)
                if isinstance(last, FlipFinding):
                    for one in last.rates:
                        yield station.model, str(worker.partition), one
