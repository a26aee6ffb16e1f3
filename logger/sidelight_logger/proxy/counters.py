"""The proxy's own counts, sent to the recorder as `ProxyStats`."""

from __future__ import annotations

import time
from bisect import bisect_left

from sidelight_logger.frames import LATENCY_BOUNDS, PROXY_DROPS, ProxyStats


class Counters:
    """Sums since the start; plain attributes, changed by one thread."""

    def __init__(self) -> None:
        self.started_ns = time.time_ns()
        self.accepted = 0
        self.refused = 0
        self.upstream_failures = 0
        self.request_bytes = 0
        self.response_bytes = 0
        self.client_connections = 0
        self.upstream_connections = 0
        self._dropped = dict.fromkeys(PROXY_DROPS, 0)
        self._latency_counts = [0] * (len(LATENCY_BOUNDS) + 1)
        self._latency_sum_seconds = 0.0

    def dropped(self, reason: str, exchanges: int = 1) -> None:
        self._dropped[reason] += exchanges

    def answered_by_proxy(self, status: int) -> None:
        if status in (502, 504):
            self.upstream_failures += 1
        else:
            self.refused += 1

    def exchange(self, seconds: float, request_bytes: int, response_bytes: int) -> None:
        self.accepted += 1
        self.request_bytes += request_bytes
        self.response_bytes += response_bytes
        self._latency_counts[bisect_left(LATENCY_BOUNDS, seconds)] += 1
        self._latency_sum_seconds += seconds

    def snapshot(self, waiting_bytes: int) -> ProxyStats:
        return ProxyStats(
            started_ns=self.started_ns,
            accepted=self.accepted,
            dropped=dict(self._dropped),
            refused=self.refused,
            upstream_failures=self.upstream_failures,
            request_bytes=self.request_bytes,
            response_bytes=self.response_bytes,
            waiting_bytes=waiting_bytes,
            client_connections=self.client_connections,
            upstream_connections=self.upstream_connections,
            latency_counts=tuple(self._latency_counts),
            latency_sum_seconds=self._latency_sum_seconds,
        )
