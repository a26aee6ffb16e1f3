"""The proxy's counters in memory that it shares with the recorder, and leaves to its successor.

What a proxy counted survives a ``kill -9``, so its successor knows how many exchanges went with it,
and the recorder shows them also while the proxy has no time, or nobody, to tell.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from sidelight.errors import MalformedPayload

BUFFER_FULL = "buffer_full"
"""Dropped: the recorder does not keep up and `logger.buffer_bytes` are waiting."""
RECORDER_DOWN = "recorder_down"
"""Dropped: no recorder is connected and nothing more may wait."""
RECORDER_LOST = "recorder_lost"
"""Dropped: written to a recorder that ended before it acknowledged."""
PROXY_LOST = "proxy_lost"
"""Dropped: held by a proxy that was killed, or written and not yet acknowledged."""
PROXY_DROPS = (BUFFER_FULL, RECORDER_DOWN, RECORDER_LOST, PROXY_LOST)

LATENCY_BOUNDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
    *(0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
"""Upper bounds in seconds of `ProxyStats.latency_counts`, which has one more bucket beyond them."""

_SUMS = ("accepted", "settled", "refused", "upstream_failures", "request_bytes", "response_bytes")
_GAUGES = ("waiting_bytes", "client_connections", "upstream_connections", "latency_ns", "beat_ns")
ACCEPTED, SETTLED, REFUSED, UPSTREAM_FAILURES, REQUEST_BYTES, RESPONSE_BYTES = range(len(_SUMS))
WAITING_BYTES, CLIENTS, UPSTREAMS, LATENCY_NS, BEAT_NS = range(
    len(_SUMS), len(_SUMS) + len(_GAUGES)
)
DROPPED = {reason: at for at, reason in enumerate(PROXY_DROPS, len(_SUMS) + len(_GAUGES))}
LATENCY = max(DROPPED.values()) + 1
"""The first of the latency buckets."""
_CELLS = LATENCY + len(LATENCY_BOUNDS) + 1
_BYTES = 8 * _CELLS

Cells = memoryview
"""One unsigned 64-bit number a counter; written by one process at a time."""


@dataclass(frozen=True, slots=True)
class ProxyStats:
    """Counters since the logger began, over every life of the proxy, and some gauges.

    `accepted` exchanges ended at the proxy. Each was `settled` by the recorder, is in `dropped` by
    reason (`PROXY_DROPS`), or is `waiting`. `refused` requests were answered by the proxy itself
    with 4xx, `upstream_failures` with 502 or 504. Latency is the whole exchange, in seconds.
    """

    accepted: int = 0
    settled: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    refused: int = 0
    upstream_failures: int = 0
    request_bytes: int = 0
    response_bytes: int = 0
    waiting_bytes: int = 0
    client_connections: int = 0
    upstream_connections: int = 0
    latency_counts: tuple[int, ...] = (0,) * (len(LATENCY_BOUNDS) + 1)
    latency_sum_seconds: float = 0.0

    @property
    def waiting(self) -> int:
        """Exchanges on their way to the recorder, or not yet acknowledged by it."""
        return self.accepted - self.settled - sum(self.dropped.values())


def shared() -> int:
    """The file descriptor of new memory, for `mapped`: no disk, so none that can be full."""
    if hasattr(os, "memfd_create"):
        flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
        descriptor = os.memfd_create("sidelight-tally", flags)
        os.ftruncate(descriptor, _BYTES)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        return descriptor
    with tempfile.TemporaryFile() as file:
        descriptor = os.dup(file.fileno())
        os.ftruncate(descriptor, _BYTES)
        return descriptor


def mapped(descriptor: int) -> Cells:
    return memoryview(mmap.mmap(descriptor, _BYTES)).cast("Q")


def mapped_from(descriptor: int) -> Cells:
    """As `mapped`, from somebody who may mean harm; raises `MalformedPayload`.

    Memory that can shrink would end whoever reads it.
    """
    try:
        seals = fcntl.fcntl(descriptor, fcntl.F_GET_SEALS)
        if seals & fcntl.F_SEAL_SHRINK and os.fstat(descriptor).st_size >= _BYTES:
            memory = mmap.mmap(descriptor, _BYTES, prot=mmap.PROT_READ)
            return memoryview(memory).cast("Q")
    except OSError as exc:
        raise MalformedPayload(f"counters that are no sealed memory: {exc.strerror}") from exc
    raise MalformedPayload("counters in memory that could shrink, or is too small")


def private() -> Cells:
    """Counters that nobody shares."""
    return memoryview(bytearray(_BYTES)).cast("Q")


def read(cells: Cells) -> ProxyStats:
    """What stands there. Another process counts on meanwhile, so `accepted` is read last."""
    dropped = {reason: cells[at] for reason, at in DROPPED.items()}
    settled = cells[SETTLED]
    return ProxyStats(
        accepted=cells[ACCEPTED],
        settled=settled,
        dropped=dropped,
        refused=cells[REFUSED],
        upstream_failures=cells[UPSTREAM_FAILURES],
        request_bytes=cells[REQUEST_BYTES],
        response_bytes=cells[RESPONSE_BYTES],
        waiting_bytes=cells[WAITING_BYTES],
        client_connections=cells[CLIENTS],
        upstream_connections=cells[UPSTREAMS],
        latency_counts=tuple(cells[LATENCY:_CELLS]),
        latency_sum_seconds=cells[LATENCY_NS] / 1e9,
    )


def beat(cells: Cells) -> None:
    """The proxy lives; the clock is the same for all processes of the machine."""
    cells[BEAT_NS] = time.monotonic_ns()


def silent_seconds(cells: Cells) -> float:
    """Since the last `beat`."""
    return (time.monotonic_ns() - cells[BEAT_NS]) / 1e9
