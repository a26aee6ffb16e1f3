"""What the proxy counts, in memory that outlives it (`tally`)."""

from __future__ import annotations

from bisect import bisect_left

from sidelight_logger.wire import tally
from sidelight_logger.wire.tally import LATENCY_BOUNDS, Cells, ProxyStats


class Counters:
    """Changed by one thread; what a killed predecessor had in hand is lost, and counted so."""

    def __init__(self, cells: Cells) -> None:
        self._cells = cells

    def begin(self) -> None:
        """Take over from a predecessor."""
        cells = self._cells
        self.dropped(tally.PROXY_LOST, tally.read(cells).waiting)
        for gauge in (tally.WAITING_BYTES, tally.CLIENTS, tally.UPSTREAMS):
            cells[gauge] = 0
        tally.beat(cells)

    def dropped(self, reason: str, exchanges: int = 1) -> None:
        self._cells[tally.DROPPED[reason]] += exchanges

    def settled(self, exchanges: int) -> None:
        self._cells[tally.SETTLED] += exchanges

    def answered_by_proxy(self, status: int) -> None:
        failed = status in (502, 504)
        self._cells[tally.UPSTREAM_FAILURES if failed else tally.REFUSED] += 1

    def client_connected(self, change: int) -> None:
        self._cells[tally.CLIENTS] += change

    def upstream_connected(self, change: int) -> None:
        self._cells[tally.UPSTREAMS] += change

    def exchange(self, seconds: float, request_bytes: int, response_bytes: int) -> None:
        cells = self._cells
        cells[tally.ACCEPTED] += 1
        cells[tally.REQUEST_BYTES] += request_bytes
        cells[tally.RESPONSE_BYTES] += response_bytes
        cells[tally.LATENCY + bisect_left(LATENCY_BOUNDS, seconds)] += 1
        cells[tally.LATENCY_NS] += int(seconds * 1e9)

    def tell(self, waiting_bytes: int) -> None:
        """Sign of life, about once a second."""
        self._cells[tally.WAITING_BYTES] = waiting_bytes
        tally.beat(self._cells)

    def stats(self) -> ProxyStats:
        return tally.read(self._cells)
