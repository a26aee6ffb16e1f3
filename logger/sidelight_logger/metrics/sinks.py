"""What is shown of each sink: the newest counters of its shipper, and whether it still tells."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

from sidelight_logger.wire.sinks import (
    POST_BOUNDS,
    SINK_DROPS,
    SINK_FAILURES,
    SINK_LEFT_OUT,
    SINK_REDUCTIONS,
    Posts,
    SinkStats,
)

_PREFIX = "sidelight_logger_sink_"
_SILENT_SECONDS = 10.0
"""A shipper tells its counters every second; to start again it needs a few."""
_BY_REASON: Mapping[str, tuple[tuple[str, ...], str]] = {
    "dropped": (SINK_DROPS, "Records that did not reach the sink."),
    "left_out": (
        SINK_LEFT_OUT,
        "Records that the sink is not meant to get, by its filter or its share.",
    ),
    "failures": (SINK_FAILURES, "Tries that failed and were repeated."),
    "reduced": (
        SINK_REDUCTIONS,
        "Delivered records that were too large and went without their bodies, which are in the "
        "store (referenced) or cut (cut).",
    ),
}
"""Fields of `SinkStats`, which are metrics too: their reasons and the help text."""


class Sinks:
    """The newest counters of each sink; `names` are those that are there before they tell any."""

    def __init__(
        self, names: Iterable[str] = (), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._newest = {name: SinkStats(name) for name in names}
        self._heard = dict.fromkeys(self._newest, clock())
        self._told: set[str] = set()

    def take(self, stats: SinkStats) -> None:
        self._newest[stats.sink] = stats
        self._heard[stats.sink] = self._clock()
        self._told.add(stats.sink)

    def newest(self) -> Mapping[str, SinkStats]:
        """By the sinks' names."""
        return dict(self._newest)

    def details(self) -> tuple[str, ...]:
        """What holds up each sink that fails now."""
        told = ((one, self._trouble(one)) for one in self._newest.values())
        return tuple(
            f"{one.sink}: {one.waiting} records wait: {trouble}" for one, trouble in told if trouble
        )

    def collect(self) -> Iterator[Metric]:
        # Counters that began again at 0 with a recorder would be taken for new deliveries.
        newest = [one for name, one in self._newest.items() if name in self._told]
        yield _counter("delivered", "Records of the log that the sink took.", newest)
        yield _counter("dead_lettered", "Records that the sink refused for good.", newest)
        yield from (_by_reason(name, newest) for name in _BY_REASON)
        waiting = GaugeMetricFamily(
            f"{_PREFIX}waiting_records",
            "Records that the sink has still to get.",
            labels=["sink"],
        )
        up = GaugeMetricFamily(
            f"{_PREFIX}up",
            "1: the sink takes records; 0: the newest try failed, or its shipper is silent.",
            labels=["sink"],
        )
        for one in newest:
            waiting.add_metric([one.sink], one.waiting)
        for one in self._newest.values():
            up.add_metric([one.sink], not self._trouble(one))
        yield from (waiting, up, _post_seconds(newest))

    def _trouble(self, stats: SinkStats) -> str:
        silent = self._clock() - self._heard[stats.sink]
        if silent > _SILENT_SECONDS:
            return f"its shipper has told nothing for {silent:.0f} s"
        return stats.trouble


def buckets(posts: Iterable[Posts]) -> tuple[list[tuple[str, float]], float]:
    """A histogram's cumulative buckets and sum over all of them."""
    posts = list(posts)
    total, cumulative = 0, []
    counts = zip(*(one.counts for one in posts), strict=True) if posts else ()
    for bound, column in zip((*map(str, POST_BOUNDS), "+Inf"), counts, strict=False):
        total += sum(column)
        cumulative.append((bound, float(total)))
    return cumulative, sum(one.seconds for one in posts)


def _counter(name: str, help_: str, newest: Iterable[SinkStats]) -> Metric:
    family = CounterMetricFamily(_PREFIX + name, help_, labels=["sink"])
    for one in newest:
        family.add_metric([one.sink], getattr(one, name))
    return family


def _by_reason(name: str, newest: Iterable[SinkStats]) -> Metric:
    reasons, help_ = _BY_REASON[name]
    family = CounterMetricFamily(_PREFIX + name, help_, labels=["sink", "reason"])
    for one in newest:
        for reason in reasons:
            family.add_metric([one.sink, reason], getattr(one, name).get(reason, 0))
    return family


def _post_seconds(newest: Iterable[SinkStats]) -> Metric:
    family = HistogramMetricFamily(
        f"{_PREFIX}post_seconds",
        "Time of a post that the HTTP sink took, its connection included.",
        labels=["sink"],
    )
    for one in newest:
        if one.posts:
            family.add_metric([one.sink], *buckets(one.posts.values()))
    return family
