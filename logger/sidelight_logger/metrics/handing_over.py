"""The account of who captures: what ended there was settled, was dropped, or waits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from sidelight_logger.wire.tally import PROXY_DROPS, PROXY_LOST, ProxyStats

_INSIDE = "sidelight_logger_middleware_"
_PROXYS = {reason: reason for reason in PROXY_DROPS}
_INSIDES = _PROXYS | {PROXY_LOST: "process_lost"}
"""Held by a model server's process that ended."""


def handed_over(
    prefix: str, where: str, stats: ProxyStats, reasons: Mapping[str, str] = _PROXYS
) -> Iterator[Metric]:
    """`reasons` are those of drops in `stats`, each with its name in the metric."""
    yield CounterMetricFamily(
        prefix + "exchanges", f"Exchanges that ended {where}.", stats.accepted
    )
    dropped = CounterMetricFamily(
        prefix + "dropped", "Exchanges that could not be handed over.", labels=["reason"]
    )
    for reason, name in reasons.items():
        dropped.add_metric([name], stats.dropped.get(reason, 0))
    yield dropped
    yield CounterMetricFamily(
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


def middleware_metrics(stats: ProxyStats, connected: int) -> Iterator[Metric]:
    """The sum over all loggers inside of model servers."""
    yield GaugeMetricFamily(
        _INSIDE + "connected", "Processes of model servers that hand over exchanges.", connected
    )
    yield from handed_over(_INSIDE, "inside of a model server", stats, _INSIDES)
