"""Every metric of the receiver."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Iterator
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from sidelight.events.halves import Kind
from sidelight_logger.joiner import withholding
from sidelight_logger.receiver.refusals import REASONS

_APPEND_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class ReceiverMetrics:
    """What came, what was refused, what waits."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.events = Counter(
            "sidelight_receiver_events",
            "Events that are in the log, by what they turned out to be.",
            ["kind"],
            registry=registry,
        )
        self.refused = Counter(
            "sidelight_receiver_refused",
            "Posts that were not taken, by reason; their senders were told.",
            ["reason"],
            registry=registry,
        )
        self.body_bytes = Counter(
            "sidelight_receiver_body_bytes",
            "Bytes of the posts that were taken, as they came.",
            registry=registry,
        )
        self.waiting_bytes = Gauge(
            "sidelight_receiver_waiting_bytes",
            "Bytes of posts that are being read or wait for the log.",
            registry=registry,
        )
        self.append_seconds = Histogram(
            "sidelight_receiver_append_seconds",
            "Time to append the events of posts that waited together.",
            buckets=_APPEND_BOUNDS,
            registry=registry,
        )
        self.log_up = Gauge(
            "sidelight_receiver_log_up",
            "1: the log took what came last; 0: it did not.",
            registry=registry,
        )
        for kind in get_args(Kind):
            self.events.labels(kind)
        for reason in REASONS:
            self.refused.labels(reason)


class LeftOut(Collector):
    """What policy left out, as it is counted elsewhere."""

    def __init__(self, counts: Counts[str]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(
            "sidelight_receiver_left_out",
            "Halves that policy left out, or whose body it withheld, by reason.",
            labels=["reason"],
        )
        for reason in withholding.REASONS:
            family.add_metric([reason], self._counts[reason])
        yield family
