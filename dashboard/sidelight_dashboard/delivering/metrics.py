"""What the dashboard tells Prometheus: how far it follows, and who takes alarms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

Outcome = Literal["taken", "failed", "given_up"]
OUTCOMES: tuple[Outcome, ...] = ("taken", "failed", "given_up")
"""failed: tried again later. given_up: refused for good, or not taken for too long."""


class Counted:
    """Of one receiver, in `DeliveryMetrics`."""

    def __init__(self, receiver: str, deliveries: Counter, is_up: Gauge) -> None:
        self._ended = {outcome: deliveries.labels(receiver, outcome) for outcome in OUTCOMES}
        self._is_up = is_up.labels(receiver)
        self._is_up.set(float("nan"))

    def ended(self, outcome: Outcome) -> None:
        self._ended[outcome].inc()

    def up(self) -> None:
        self._is_up.set(1)

    def down(self) -> None:
        self._is_up.set(0)


class DeliveryMetrics:
    """In a registry of the caller's."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._deliveries = Counter(
            "sidelight_dashboard_deliveries",
            "Changes of alarms posted to a receiver, by what came of each try.",
            ["receiver", "outcome"],
            registry=registry,
        )
        self._is_up = Gauge(
            "sidelight_dashboard_receiver_up",
            "1: the receiver took what was posted last; 0: it did not; NaN: nothing was posted.",
            ["receiver"],
            registry=registry,
        )

    def of(self, receiver: str) -> Counted:
        return Counted(receiver, self._deliveries, self._is_up)


class Waiting(Collector):
    """How many changes wait, counted when asked."""

    def __init__(self, counts: Mapping[str, Callable[[], int]]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "sidelight_dashboard_deliveries_waiting",
            "Changes of alarms that the receiver has still to take.",
            labels=["receiver"],
        )
        for receiver, count in self._counts.items():
            family.add_metric([receiver], count())
        yield family
