"""Loggers inside of model servers: who they are, and the sum of what they count."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from threading import Lock

from prometheus_client import Metric

from sidelight.errors import MalformedPayload
from sidelight_logger.metrics.handing_over import middleware_metrics
from sidelight_logger.wire import tally
from sidelight_logger.wire.tally import PROXY_LOST, Cells, ProxyStats

_REMEMBERED = 256
"""Of those that have left, told apart; what older ones counted stays in the sum."""


class Guests:
    """A registry's collector. A guest is known by its memory, also when it comes back."""

    def __init__(self) -> None:
        self._here: dict[int, Cells] = {}
        self._left: dict[int, ProxyStats] = {}
        self._past = ProxyStats()
        self._lock = Lock()
        """Metrics are asked for by another thread."""

    def __len__(self) -> int:
        return len(self._here)

    def join(self, descriptor: int) -> int:
        """The guest whose counters these are; raises `MalformedPayload`. Closes the descriptor."""
        try:
            guest = os.fstat(descriptor).st_ino
            cells = tally.mapped_from(descriptor)
        finally:
            os.close(descriptor)
        if guest in self._here:
            raise MalformedPayload("counters of a logger that is connected already")
        with self._lock:
            self._left.pop(guest, None)
            self._here[guest] = cells
        return guest

    def leave(self, guest: int) -> None:
        """What it had in hand is lost, unless it comes back."""
        with self._lock:
            stats = tally.read(self._here.pop(guest))
            dropped = dict(stats.dropped)
            dropped[PROXY_LOST] += stats.waiting
            self._left[guest] = replace(stats, dropped=dropped, waiting_bytes=0)
            if len(self._left) > _REMEMBERED:
                oldest = next(iter(self._left))
                self._past = _sum(self._past, self._left.pop(oldest))

    def stats(self) -> ProxyStats:
        with self._lock:
            each = (self._past, *self._left.values(), *map(tally.read, self._here.values()))
        return reduce(_sum, each)

    def collect(self) -> Iterator[Metric]:
        yield from middleware_metrics(self.stats(), len(self))


def _sum(one: ProxyStats, other: ProxyStats) -> ProxyStats:
    reasons = {*one.dropped, *other.dropped}
    return ProxyStats(
        accepted=one.accepted + other.accepted,
        settled=one.settled + other.settled,
        dropped={key: one.dropped.get(key, 0) + other.dropped.get(key, 0) for key in reasons},
        request_bytes=one.request_bytes + other.request_bytes,
        response_bytes=one.response_bytes + other.response_bytes,
        waiting_bytes=one.waiting_bytes + other.waiting_bytes,
        latency_counts=tuple(map(sum, zip(one.latency_counts, other.latency_counts, strict=True))),
        latency_sum_seconds=one.latency_sum_seconds + other.latency_sum_seconds,
    )
