"""Who numbers the exchanges of a log, and where the numbers go on after a restart."""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Callable
from itertools import count

from sidelight.errors import LogError, MalformedPayload
from sidelight.events.exchanges import from_record
from sidelight.log import topics
from sidelight.log.contract import Log


def recorder_id(log_url: str, listen: str) -> str:
    """Names this recorder: two that write one log must not number their exchanges alike."""
    whole = "\0".join((socket.gethostname(), log_url, listen))
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def sequence(
    log: Log, log_id: str, clock_ns: Callable[[], int] = time.time_ns
) -> Callable[[], int]:
    """Numbers that grow from now on, above all that are in the log under `log_id`.

    They begin at the clock's nanoseconds, so they grow over restarts also when retention or another
    writer hides the last record; the last record guards against a clock that was set back.
    """
    partitions = range(log.partitions(topics.INFERENCE))
    last = max((_last_sequence(log, partition, log_id) for partition in partitions), default=0)
    return count(max(clock_ns(), last + 1)).__next__


def _last_sequence(log: Log, partition: int, log_id: str) -> int:
    span = log.span(topics.INFERENCE, partition)
    if span.end == span.begin:
        return 0
    try:
        records = log.read(topics.INFERENCE, partition, span.end - 1, max_records=1)
        exchanges = [from_record(stored.record) for stored in records]
    except (LogError, MalformedPayload):
        return 0
    return max((one.sequence for one in exchanges if one.log_id == log_id), default=0)
