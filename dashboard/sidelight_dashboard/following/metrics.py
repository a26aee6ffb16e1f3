"""What the process tells Prometheus of itself, read when it asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from sidelight.errors import SidelightError
from sidelight_dashboard.following.folding import TOPICS
from sidelight_dashboard.following.position import position
from sidelight_dashboard.showing import Showing


class FollowingCollector(Collector):
    """How far the pages are behind the log."""

    def __init__(self, showing: Showing, waits_for: Callable[[], str | None]) -> None:
        self._showing = showing
        self._waits_for = waits_for

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily(
            "sidelight_dashboard_waits",
            "1 until the log was read to its end, and while it or the store cannot be used.",
            value=float(self._waits_for() is not None),
        )
        lag = GaugeMetricFamily(
            "sidelight_dashboard_lag_records",
            "Records of a topic that pages do not show yet.",
            labels=["topic"],
        )
        for topic in TOPICS:
            if (left := self._left(topic)) is not None:
                lag.add_metric([topic], left)
        yield lag
        size = GaugeMetricFamily(
            "sidelight_dashboard_store_bytes",
            "Size of a file of the store, with what is not yet moved into it.",
            labels=["file"],
        )
        for file in (self._showing.store.series, self._showing.store.kept):
            parts = file.path.parent.glob(f"{file.path.name}*")
            size.add_metric([file.path.stem], sum(part.stat().st_size for part in parts))
        yield size

    def _left(self, topic: str) -> int | None:
        """None while the log does not say."""
        log, store = self._showing.log, self._showing.store
        try:
            return sum(
                max(0, log.span(topic, number).end - position(store, topic, number))
                for number in range(log.partitions(topic))
            )
        except SidelightError:
            return None
