"""What the detectors of alibi-detect in this process have counted and found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from sidelight.log.crew import Crew
from sidelight_detectors.alibi.saying import PREFIX
from sidelight_detectors.alibi.station import Station
from sidelight_detectors.alibi.worker import AlibiWorker

Family = CounterMetricFamily | GaugeMetricFamily

COUNTED = {
    "rows": ("rows", "Rows taken in."),
    "unusable": ("unusable_rows", "Rows left out: a value is missing or cannot be read."),
    "skipped": ("skipped_exchanges", "Exchanges skipped because the detector was too far behind."),
    "unsampled": ("unsampled_exchanges", "Exchanges that the sample left out."),
    "windows": ("windows", "Batches, or stretches of rows, that were judged."),
    "drifted": ("drifted_windows", "Batches, or stretches of rows, with drift."),
    "unjudged": ("unjudged_windows", "Batches or rows that alibi-detect refused."),
    "flagged": ("flagged_rows", "Rows above an outlier detector's threshold."),
}
"""By what is counted: the metric's name and help."""

FOUND = {
    "statistic": "The statistic of the last batch or row, by alibi-detect's class.",
    "p_value": "The p-value of the last batch.",
    "threshold": "What the p-value had to be below, or where there is none the statistic above.",
}


class AlibiCollector(Collector):
    """Counters begin at zero with a claim; a feature is empty where columns are judged together."""

    def __init__(self, stations: Sequence[Station], crews: Sequence[Crew[AlibiWorker]]) -> None:
        self._pairs = tuple(zip(stations, crews, strict=True))

    def collect(self) -> Iterator[Family]:
        yield from (self._counted(key) for key in COUNTED)
        yield from (self._found(field) for field in FOUND)
        yield from self._standing()

    def _counted(self, key: str) -> Family:
        name, text = COUNTED[key]
        family = CounterMetricFamily(f"sidelight_alibi_{name}", text, labels=["model", "detector"])
        for station, crew in self._pairs:
            counts = (one.feed.counts[key] + one.watching.counts[key] for one in crew.workers)
            family.add_metric(_labels(station), sum(counts))
        return family

    def _found(self, field: str) -> Family:
        labels = ["model", "detector", "feature", "partition"]
        family = GaugeMetricFamily(f"sidelight_alibi_{field}", FOUND[field], labels=labels)
        for station, crew in self._pairs:
            for worker in crew.workers:
                last = worker.watching.last
                values: tuple[float, ...] = getattr(last, field) if last else ()
                names = last.columns if last else ()
                together = ("",) * len(values)
                for name, value in zip(names or together, values, strict=False):
                    family.add_metric([*_labels(station), name, str(worker.partition)], value)
        return family

    def _standing(self) -> Iterator[Family]:
        labels = ["model", "detector"]
        lag = GaugeMetricFamily(
            "sidelight_alibi_lag_records", "Exchanges that wait to be read.", labels=labels
        )
        raised = CounterMetricFamily("sidelight_alibi_alarms", "Alarms raised.", labels=labels)
        active = GaugeMetricFamily(
            "sidelight_alibi_alarm", "Partitions with a raised alarm.", labels=labels
        )
        for station, crew in self._pairs:
            alarms = [one.watching.alarms for one in crew.workers if one.watching.alarms]
            lag.add_metric(_labels(station), sum(worker.lag for worker in crew.workers))
            raised.add_metric(_labels(station), sum(one.raised for one in alarms))
            active.add_metric(_labels(station), sum(one.active for one in alarms))
        yield from (lag, raised, active)


def _labels(station: Station) -> list[str]:
    return [station.model, f"{PREFIX}:{station.name}"]
