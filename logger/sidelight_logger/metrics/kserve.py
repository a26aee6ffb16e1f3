"""The HTTP sinks' counters under the names that KServe proposes for its own agent.

Source: kserve/kserve pull request 6190.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

from sidelight_logger.metrics.sinks import Sinks, buckets
from sidelight_logger.wire.sinks import Posts

_PREFIX = "kserve_logger_"
_TYPES = ("request", "response")


class KServeMetrics:
    """A registry's collector. The sum over all HTTP sinks, which these names do not tell apart."""

    def __init__(self, sinks: Sinks) -> None:
        self._sinks = sinks

    def collect(self) -> Iterator[Metric]:
        posting = [one for one in self._sinks.newest().values() if one.posts]
        dropped = sum(sum(one.dropped.values()) for one in posting)
        sent = _counter("sent", "Events that a sink took.")
        failed = _counter("failed", "Events that a sink refused for good.")
        lost = _counter("dropped", "Events that were gone before a sink took them.")
        seconds = HistogramMetricFamily(
            f"{_PREFIX}delivery_duration_seconds",
            "Time of a post that was taken.",
            labels=["type"],
        )
        for type_ in _TYPES:
            posts = [one.posts.get(type_, Posts()) for one in posting]
            sent.add_metric([type_], sum(one.sent for one in posts))
            failed.add_metric([type_], sum(one.refused for one in posts))
            lost.add_metric([type_], dropped)
            if posts:
                seconds.add_metric([type_], *buckets(posts))
        yield from (sent, failed, lost, seconds)
        yield GaugeMetricFamily(
            f"{_PREFIX}work_queue_depth",
            "Exchanges that wait for the slowest sink.",
            max((one.waiting for one in posting), default=0),
        )


def _counter(name: str, help_: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"{_PREFIX}events_{name}", help_, labels=["type"])
