"""The logger's own accounts, read from its metrics and held against the log."""

from __future__ import annotations

import time
from typing import NamedTuple

from tests.logger.commanding import Logger
from tests.logger.sinks import wait_until

_SETTLED_BY_RECORDER = (
    *("exchanges_recorded_total", "probes_left_out_total", "left_out_total"),
    *("recorder_dropped_total", "pending_records"),
)

_TOLD_SECONDS = 1.2


def is_recording(logger: Logger) -> bool:
    return logger.metric("exchanges_recorded_total") > 0


def has_caught_up(logger: Logger) -> bool:
    """The recorder has also taken what came before it stood."""
    return is_recording(logger) and logger.metric("proxy_waiting_exchanges") < 100


def wait_until_settled(logger: Logger) -> None:
    """Until nothing is on its way between proxy and recorder any more."""
    wait_until(lambda: logger.metric("proxy_waiting_exchanges") == 0, "the proxy's account")
    wait_until(lambda: logger.metric("pending_records") == 0, "the recorder's account")


def proxy_balance(logger: Logger) -> float:
    """What the proxy's account is off by: 0."""
    parts = ("proxy_settled_total", "proxy_dropped_total", "proxy_waiting_exchanges")
    return logger.metric("proxy_exchanges_total") - sum(map(logger.metric, parts))


def recorder_balance(logger: Logger) -> float:
    """Likewise of a recorder that was never started again."""
    settled = sum(map(logger.metric, _SETTLED_BY_RECORDER))
    return logger.metric("captures_received_total") - settled


class SinkAccount(NamedTuple):
    """Of all sinks together, in records."""

    delivered: int
    dead_lettered: int
    dropped: int
    waiting: int


def sink_account(logger: Logger) -> SinkAccount:
    names = ("delivered_total", "dead_lettered_total", "dropped_total", "waiting_records")
    return SinkAccount(*(int(logger.metric(f"sink_{name}")) for name in names))


def failures(logger: Logger, reason: str) -> float:
    """Tries to reach a sink that failed for that reason."""
    name = f'sink_failures_total{{.*"{reason}".*}}'
    return logger.metric(name) if logger.tells(name) else 0


def wait_until_carried(logger: Logger, seconds: float = 60.0) -> None:
    """Until the shippers have told of everything, and nothing waits for a sink.

    They tell once a second: what one told before the last append is not the end.
    """
    wait_until(lambda: logger.tells("sink_waiting_records"), "the sinks' account", seconds)
    for _ in range(2):
        wait_until(lambda: sink_account(logger).waiting == 0, "the end of the queue", seconds)
        time.sleep(_TOLD_SECONDS)
