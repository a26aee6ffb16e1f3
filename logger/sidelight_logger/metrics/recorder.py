"""What the recorder itself counts; it begins at zero with it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from sidelight.redaction import REASONS
from sidelight_logger.policy.kept import LEFT_OUT

LOG_FULL = "log_full"
"""Dropped: the log has no space for the batch."""
MALFORMED = "malformed"
"""Dropped: the captured heads cannot be read."""
OUTSIZED = "outsized"
"""Dropped: a capture from inside of a model server that is above twice `logger.max_body`."""
RECORDER_DROPS = (LOG_FULL, MALFORMED, OUTSIZED)

_SIDES = ("request", "response")
_APPEND_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_PREFIX = "sidelight_logger_"


class RecorderMetrics:
    """Of what it took and kept, and why not."""

    def __init__(self, registry: CollectorRegistry) -> None:
        counter = partial(Counter, registry=registry)
        gauge = partial(Gauge, registry=registry)
        self.received = counter(
            _PREFIX + "captures_received",
            "Captured exchanges that the recorder took from the proxy and from middleware.",
        )
        self.recorded = counter(
            _PREFIX + "exchanges_recorded", "Exchanges that were appended to the log."
        )
        self.left_out = counter(
            _PREFIX + "probes_left_out",
            "Health, readiness, metadata and metrics requests, which are not recorded.",
        )
        not_kept = counter(
            _PREFIX + "left_out",
            "Exchanges that policy keeps nothing of, by reason: none (the model's capture), "
            "sampled (not of the share).",
            ["reason"],
        )
        self.withheld = counter(
            _PREFIX + "bodies_withheld",
            "Bodies that are not kept because a redaction rule could not be applied, by reason.",
            ["side", "reason"],
        )
        self.dropped = counter(
            _PREFIX + "recorder_dropped",
            "Captured exchanges that the recorder could not keep, by reason.",
            ["reason"],
        )
        body_bytes = counter(
            _PREFIX + "body_bytes", "Bytes of bodies that were recorded.", ["side"]
        )
        truncated = counter(
            _PREFIX + "bodies_truncated",
            "Recorded bodies that were cut at logger.max_body.",
            ["side"],
        )
        self.append_seconds = Histogram(
            _PREFIX + "append_seconds",
            "Time to append one batch of exchanges to the log.",
            buckets=_APPEND_BOUNDS,
            registry=registry,
        )
        self.pending = gauge(
            _PREFIX + "pending_records", "Exchanges that wait for the next append."
        )
        self.peers = gauge(
            _PREFIX + "peers_connected",
            "Processes (proxy, shipper, model server) that are connected to the recorder.",
        )
        self.outlives_container = gauge(
            "sidelight_log_outlives_container",
            "1: the log lies on a volume of the machine; 0: it goes with the container or "
            "its memory.",
        )
        self.not_kept = _of_each(LEFT_OUT, not_kept)
        self.body_bytes = _of_each(_SIDES, body_bytes)
        self.truncated = _of_each(_SIDES, truncated)
        _of_each(RECORDER_DROPS, self.dropped)
        for side, reason in product(_SIDES, REASONS):
            self.withheld.labels(side, reason)


def _of_each(labels: Iterable[str], counter: Counter) -> dict[str, Counter]:
    """Looked up once, since the recorder counts with every exchange; and there from the start."""
    return {label: counter.labels(label) for label in labels}
