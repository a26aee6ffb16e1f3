"""What this process holds of the groups, and how many records wait there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from sidelight.log.crew import Crew
from sidelight_detectors.streaming.deciding import DecidingPartition
from sidelight_detectors.streaming.scorer import PartitionScorer

Family = CounterMetricFamily | GaugeMetricFamily
AnyCrew = Crew[PartitionScorer] | Crew[DecidingPartition]


class GroupCollector(Collector):
    """Which partitions are read here, and how often that changed."""

    def __init__(self, crews: Sequence[AnyCrew]) -> None:
        self._crews = crews

    def collect(self) -> Iterator[Family]:
        held = GaugeMetricFamily(
            "sidelight_detectors_partition_held",
            "1 for each partition of the group's topic that this process reads.",
            labels=["group", "partition"],
        )
        changes = CounterMetricFamily(
            "sidelight_detectors_rebalances",
            "Times that the partitions read by this process changed.",
            labels=["group"],
        )
        fences = CounterMetricFamily(
            "sidelight_detectors_fences",
            "Commits refused because the partition had gone to another process.",
            labels=["group"],
        )
        stalled = GaugeMetricFamily(
            "sidelight_partition_stalled",
            "1 while a partition read here stands still though there is something to read.",
            labels=["group", "partition"],
        )
        for crew in self._crews:
            changes.add_metric([crew.group], crew.changes)
            fences.add_metric([crew.group], crew.fences)
            for partition in crew.partitions:
                held.add_metric([crew.group, str(partition)], 1.0)
                is_stalled = partition in crew.watchdog.stalled
                stalled.add_metric([crew.group, str(partition)], float(is_stalled))
        yield from (held, stalled, changes, fences)


class LagCollector(Collector):
    """Records that wait in the partitions read here."""

    def __init__(self, scorers: Crew[PartitionScorer], deciders: Crew[DecidingPartition]) -> None:
        self._scorers = scorers
        self._deciders = deciders

    def collect(self) -> Iterator[Family]:
        yield GaugeMetricFamily(
            "sidelight_detectors_lag_records",
            "Exchanges in the partitions read here that no run holds.",
            value=sum(scorer.lag for scorer in self._scorers.workers),
        )
        panes = GaugeMetricFamily(
            "sidelight_detectors_panes_lag_records",
            "Records of the panes' partition that the model's decider has not folded.",
            labels=["model"],
        )
        for deciding in self._deciders.workers:
            lag = deciding.lag
            for model in deciding.deciders:
                panes.add_metric([model], lag)
        yield panes
