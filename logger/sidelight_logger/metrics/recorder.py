"""Every metric of the logger, declared once; the recorder serves them for all three processes.

What the proxy counts is read from the memory it shares (`tally`), what a shipper counts comes as
snapshots (`frames`). Both go on over restarts; the recorder's own begin at zero with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

from sidelight.redaction import REASONS
from sidelight_logger.metrics.sinks import Sinks
from sidelight_logger.wire import tally
from sidelight_logger.wire.sinks import SinkStats
from sidelight_logger.wire.tally import (
    LATENCY_BOUNDS,
    PROXY_DROPS,
    PROXY_LOST,
    Cells,
    ProxyStats,
)

LOG_FULL = "log_full"
"""Dropped: the log has no space for the batch."""
MALFORMED = "malformed"
"""Dropped: the captured heads cannot be read."""
OUTSIZED = "outsized"
"""Dropped: a capture from inside of a model server that is above twice `logger.max_body`."""
RECORDER_DROPS = (LOG_FULL, MALFORMED, OUTSIZED)

PROCESS_LOST = "process_lost"
"""Dropped: held by a model server's process that ended."""

LEVEL = "none"
"""Left out: nothing is kept of this model."""
SAMPLED = "sampled"
"""Left out: not of the share that is kept."""
LEFT_OUT = (LEVEL, SAMPLED)

_SIDES = ("request", "response")
_SILENT_SECONDS = 5.0
"""A proxy gives a sign of life every second."""
_APPEND_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class RecorderMetrics:
    """What the recorder itself counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.received = Counter(
            "sidelight_logger_captures_received",
            "Captured exchanges that the recorder took from the proxy and from middleware.",
            registry=registry,
        )
        self.recorded = Counter(
            "sidelight_logger_exchanges_recorded",
            "Exchanges that were appended to the log.",
            registry=registry,
        )
        self.left_out = Counter(
            "sidelight_logger_probes_left_out",
            "Health, readiness, metadata and metrics requests, which are not recorded.",
            registry=registry,
        )
        not_kept = Counter(
            "sidelight_logger_left_out",
            "Exchanges that policy keeps nothing of, by reason: none (the model's capture), "
            "sampled (not of the share).",
            ["reason"],
            registry=registry,
        )
        self.withheld = Counter(
            "sidelight_logger_bodies_withheld",
            "Bodies that are not kept because a redaction rule could not be applied, by reason.",
            ["side", "reason"],
            registry=registry,
        )
        self.dropped = Counter(
            "sidelight_logger_recorder_dropped",
            "Captured exchanges that the recorder could not keep, by reason.",
            ["reason"],
            registry=registry,
        )
        body_bytes = Counter(
            "sidelight_logger_body_bytes",
            "Bytes of bodies that were recorded.",
            ["side"],
            registry=registry,
        )
        truncated = Counter(
            "sidelight_logger_bodies_truncated",
            "Recorded bodies that were cut at logger.max_body.",
            ["side"],
            registry=registry,
        )
        self.not_kept = {reason: not_kept.labels(reason) for reason in LEFT_OUT}
        for side, reason in product(_SIDES, REASONS):
            self.withheld.labels(side, reason)
        # Looked up once: the recorder counts bytes with every exchange.
        self.body_bytes = {side: body_bytes.labels(side) for side in _SIDES}
        self.truncated = {side: truncated.labels(side) for side in _SIDES}
        self.append_seconds = Histogram(
            "sidelight_logger_append_seconds",
            "Time to append one batch of exchanges to the log.",
            buckets=_APPEND_BOUNDS,
            registry=registry,
        )
        self.pending = Gauge(
            "sidelight_logger_pending_records",
            "Exchanges that wait for the next append.",
            registry=registry,
        )
        self.peers = Gauge(
            "sidelight_logger_peers_connected",
            "Processes (proxy, shipper, model server) that are connected to the recorder.",
            registry=registry,
        )
        self.outlives_container = Gauge(
            "sidelight_log_outlives_container",
            "1: the log lies on a volume of the machine; 0: it goes with the container or "
            "its memory.",
            registry=registry,
        )
        for dropped in RECORDER_DROPS:
            self.dropped.labels(dropped)


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
    prefix = "sidelight_logger_proxy_"
    yield _counter(prefix + "exchanges", "Exchanges that ended at the proxy.", stats.accepted)
    yield _by_reason(
        prefix + "dropped", "Exchanges that the proxy could not hand over.", PROXY_DROPS, stats
    )
    yield _counter(
        prefix + "settled", "Exchanges that the recorder took and acknowledged.", stats.settled
    )
    yield GaugeMetricFamily(
        prefix + "waiting_exchanges",
        "Exchanges that the recorder has still to take or to acknowledge.",
        stats.waiting,
    )
    yield _counter(prefix + "refused", "Requests that the proxy answered with 4xx.", stats.refused)
    yield _counter(
        prefix + "upstream_failures", "Requests answered with 502 or 504.", stats.upstream_failures
    )
    bodies = CounterMetricFamily(
        prefix + "body_bytes", "Bytes of bodies that were forwarded.", labels=["side"]
    )
    bodies.add_metric(["request"], stats.request_bytes)
    bodies.add_metric(["response"], stats.response_bytes)
    yield bodies
    yield GaugeMetricFamily(
        prefix + "waiting_bytes", "Captured bytes that wait for the recorder.", stats.waiting_bytes
    )
    connections = GaugeMetricFamily(
        prefix + "connections", "Open connections, by side.", labels=["side"]
    )
    connections.add_metric(["client"], stats.client_connections)
    connections.add_metric(["upstream"], stats.upstream_connections)
    yield connections
    yield _latency(prefix + "exchange_seconds", stats)


def middleware_metrics(stats: ProxyStats, connected: int) -> Iterator[Metric]:
    """The sum over all loggers inside of model servers."""
    prefix = "sidelight_logger_middleware_"
    yield GaugeMetricFamily(
        prefix + "connected", "Processes of model servers that hand over exchanges.", connected
    )
    yield _counter(
        prefix + "exchanges", "Exchanges that ended inside of a model server.", stats.accepted
    )
    dropped = CounterMetricFamily(
        prefix + "dropped", "Exchanges that could not be handed over.", labels=["reason"]
    )
    for reason in PROXY_DROPS:
        said = PROCESS_LOST if reason == PROXY_LOST else reason
        dropped.add_metric([said], stats.dropped.get(reason, 0))
    yield dropped
    yield _counter(
        prefix + "settled", "Exchanges that the recorder took and acknowledged.", stats.settled
    )
    yield GaugeMetricFamily(
        prefix + "waiting_exchanges",
        "Exchanges that the recorder has still to take or to acknowledge.",
        stats.waiting,
    )
    yield GaugeMetricFamily(
        prefix + "waiting_bytes", "Captured bytes that wait for the recorder.", stats.waiting_bytes
    )


def _counter(name: str, help_: str, value: float) -> Metric:
    return CounterMetricFamily(name, help_, value)


def _by_reason(name: str, help_: str, reasons: tuple[str, ...], stats: ProxyStats) -> Metric:
    family = CounterMetricFamily(name, help_, labels=["reason"])
    for reason in reasons:
        family.add_metric([reason], stats.dropped.get(reason, 0))
    return family


def _latency(name: str, stats: ProxyStats) -> Metric:
    total = 0
    buckets = []
    bounds = [*map(str, LATENCY_BOUNDS), "+Inf"]
    for bound, count in zip(bounds, stats.latency_counts, strict=True):
        total += count
        buckets.append((bound, total))
    return HistogramMetricFamily(
        name,
        "Time from a request's head to the end of its answer.",
        buckets=buckets,
        sum_value=stats.latency_sum_seconds,
    )
