"""What the deciders know of attacks across queries, read from their state at each scrape."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from sidelight.log.crew import Crew
from sidelight_detectors.adversarial.fold import Attacks
from sidelight_detectors.streaming.deciding import DecidingPartition


class AttackCollector(Collector):
    """Queries looked at, episodes found and open, by model."""

    def __init__(self, crew: Crew[DecidingPartition]) -> None:
        self._crew = crew

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        queries = CounterMetricFamily(
            "sidelight_adversarial_queries",
            "Different queries that were looked at for attacks.",
            labels=["model"],
        )
        episodes = CounterMetricFamily(
            "sidelight_adversarial_episodes", "Attacks found.", labels=["model"]
        )
        crowded = CounterMetricFamily(
            "sidelight_adversarial_crowded_episodes",
            "Attacks told to be over to make room for newer ones: too many go on at once.",
            labels=["model"],
        )
        active = GaugeMetricFamily(
            "sidelight_adversarial_open_episodes",
            "Attacks that go on now; the alarm of each is raised.",
            labels=["model"],
        )
        for model, attacks in self._known():
            queries.add_metric([model], attacks.queries)
            episodes.add_metric([model], attacks.told)
            crowded.add_metric([model], attacks.crowded)
            active.add_metric([model], len(attacks.episodes))
        yield from (queries, episodes, crowded, active)

    def _known(self) -> Iterator[tuple[str, Attacks]]:
        for each in self._crew.workers:
            if each.position is None:
                continue
            for model, decider in each.deciders.items():
                for fold in decider.watch.folds.values():
                    if isinstance(fold, Attacks):
                        yield model, fold
