"""What the proxy counts and each sink's shipper tells; both go on over restarts of the recorder."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

from sidelight_logger.metrics.handing_over import handed_over
from sidelight_logger.metrics.sinks import Sinks
from sidelight_logger.wire import tally
from sidelight_logger.wire.sinks import SinkStats
from sidelight_logger.wire.tally import LATENCY_BOUNDS, Cells, ProxyStats

_PREFIX = "sidelight_logger_proxy_"
_SILENT_SECONDS = 5.0
"""A proxy gives a sign of life every second."""


class Snapshots:
    """Shows the newest counters of the proxy and of each sink's shipper. A registry's collector."""

    def __init__(self, proxy: Cells, sinks: Sinks | None = None) -> None:
        self._proxy = proxy
        self._sinks = sinks or Sinks()

    def missing_proxy(self) -> str:
        """Why nothing is captured now; empty while the proxy gives signs of life."""
        silent = tally.silent_seconds(self._proxy)
        return "" if silent < _SILENT_SECONDS else "no proxy is alive: nothing is captured"

    def details(self) -> tuple[str, ...]:
        """What holds up each sink that fails now; nothing that was captured is lost by it."""
        return self._sinks.details()

    def sink(self, stats: SinkStats) -> None:
        self._sinks.take(stats)

    def collect(self) -> Iterator[Metric]:
        yield from _proxy_metrics(tally.read(self._proxy))
        yield from self._sinks.collect()


def _proxy_metrics(stats: ProxyStats) -> Iterator[Metric]:
    yield from handed_over(_PREFIX, "at the proxy", stats)
    yield CounterMetricFamily(
        _PREFIX + "refused", "Requests that the proxy answered with 4xx.", stats.refused
    )
    yield CounterMetricFamily(
        _PREFIX + "upstream_failures",
        "Requests answered with 502 or 504.",
        stats.upstream_failures,
    )
    bodies = CounterMetricFamily(
        _PREFIX + "body_bytes", "Bytes of bodies that were forwarded.", labels=["side"]
    )
    bodies.add_metric(["request"], stats.request_bytes)
    bodies.add_metric(["response"], stats.response_bytes)
    connections = GaugeMetricFamily(
        _PREFIX + "connections", "Open connections, by side.", labels=["side"]
    )
    connections.add_metric(["client"], stats.client_connections)
    connections.add_metric(["upstream"], stats.upstream_connections)
    yield from (bodies, connections, _latency(stats))


def _latency(stats: ProxyStats) -> Metric:
    total = 0
    buckets = []
    bounds = [*map(str, LATENCY_BOUNDS), "+Inf"]
    for bound, count in zip(bounds, stats.latency_counts, strict=True):
        total += count
        buckets.append((bound, total))
    return HistogramMetricFamily(
        _PREFIX + "exchange_seconds",
        "Time from a request's head to the end of its answer.",
        buckets=buckets,
        sum_value=stats.latency_sum_seconds,
    )
