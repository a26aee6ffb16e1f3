"""What the stations in this process have counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from sidelight.log.crew import Crew
from sidelight_detectors.stations.contract import Station
from sidelight_detectors.stations.worker import StationWorker

Family = CounterMetricFamily | GaugeMetricFamily
Pairs = Sequence[tuple[Station, Crew[StationWorker]]]

COUNTED = {
    "rows": ("rows", "Rows taken in."),
    "unusable": ("unusable_rows", "Rows left out: a value is missing or cannot be read."),
    "skipped": ("skipped_exchanges", "Exchanges skipped because the detector was too far behind."),
    "unsampled": ("unsampled_exchanges", "Exchanges that the sample left out."),
    "unafforded": ("unafforded_rows", "Rows left out because the budget of questions was spent."),
    "windows": ("windows", "Batches, or stretches of rows, that were judged."),
    "drifted": ("drifted_windows", "Batches, or stretches of rows, that speak for an alarm."),
    "unjudged": ("unjudged_windows", "Batches or rows that could not be judged."),
    "broken": ("broken_windows", "Batches or rows that broke our own code; the first is logged."),
    "flagged": ("flagged_rows", "Rows above the detector's threshold."),
    "asked": ("asked_rows", "Rows that the predictor was asked about, retries included."),
    "failed": ("failed_questions", "Questions that the predictor did not answer."),
}
"""By what is counted: the metric's name and help."""

LABELS = ("model", "detector")


class StationCollector(Collector):
    """Counters begin at zero with a claim."""

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs

    def collect(self) -> Iterator[Family]:
        yield from (self._counted(key) for key in COUNTED)
        yield from self._standing()

    def _counted(self, key: str) -> Family:
        name, text = COUNTED[key]
        family = CounterMetricFamily(f"sidelight_station_{name}", text, labels=LABELS)
        for station, crew in self._pairs:
            family.add_metric(labels_of(station), sum(_count(one, key) for one in crew.workers))
        return family

    def _standing(self) -> Iterator[Family]:
        lag = GaugeMetricFamily(
            "sidelight_station_lag_records", "Exchanges that wait to be read.", labels=LABELS
        )
        waits = GaugeMetricFamily(
            "sidelight_station_waits", "Partitions that wait for the predictor.", labels=LABELS
        )
        raised = CounterMetricFamily("sidelight_station_alarms", "Alarms raised.", labels=LABELS)
        active = GaugeMetricFamily(
            "sidelight_station_alarm", "Partitions with a raised alarm.", labels=LABELS
        )
        for station, crew in self._pairs:
            labels, workers = labels_of(station), crew.workers
            alarms = [one.watching.alarms for one in workers if one.watching.alarms]
            lag.add_metric(labels, sum(worker.lag for worker in workers))
            waits.add_metric(labels, sum(worker.rests for worker in workers))
            raised.add_metric(labels, sum(one.raised for one in alarms))
            active.add_metric(labels, sum(one.active for one in alarms))
        yield from (lag, waits, raised, active)


def labels_of(station: Station) -> list[str]:
    """The values of `LABELS`."""
    return [station.model, station.title]


def _count(worker: StationWorker, key: str) -> int:
    return worker.counts[key] + worker.feed.counts[key] + worker.watching.counts[key]
