"""What the recorder itself counts; it begins at zero with it."""

from __future__ import annotations

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


class RecorderMetrics:
    """Of what it took and kept, and why not."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.received = Counter(
            "sidelight_logger_captures_received",
            "Captured exchanges that the recorder took from the proxy and from middleware.",
            registry=registry,
        )
        self.recorded = Counter(
            "sidelight_logger_exchanges_recorded",
            "Exchanges that were appended to the log.",
            registry=registry,
        )
        self.left_out = Counter(
            "sidelight_logger_probes_left_out",
            "Health, readiness, metadata and metrics requests, which are not recorded.",
            registry=registry,
        )
        not_kept = Counter(
            "sidelight_logger_left_out",
            "Exchanges that policy keeps nothing of, by reason: none (the model's capture), "
            "sampled (not of the share).",
            ["reason"],
            registry=registry,
        )
        self.withheld = Counter(
            "sidelight_logger_bodies_withheld",
            "Bodies that are not kept because a redaction rule could not be applied, by reason.",
            ["side", "reason"],
            registry=registry,
        )
        self.dropped = Counter(
            "sidelight_logger_recorder_dropped",
            "Captured exchanges that the recorder could not keep, by reason.",
            ["reason"],
            registry=registry,
        )
        body_bytes = Counter(
            "sidelight_logger_body_bytes",
            "Bytes of bodies that were recorded.",
            ["side"],
            registry=registry,
        )
        truncated = Counter(
            "sidelight_logger_bodies_truncated",
            "Recorded bodies that were cut at logger.max_body.",
            ["side"],
            registry=registry,
        )
        self.not_kept = {reason: not_kept.labels(reason) for reason in LEFT_OUT}
        for side, reason in product(_SIDES, REASONS):
            self.withheld.labels(side, reason)
        # Looked up once: the recorder counts bytes with every exchange.
        self.body_bytes = {side: body_bytes.labels(side) for side in _SIDES}
        self.truncated = {side: truncated.labels(side) for side in _SIDES}
        self.append_seconds = Histogram(
            "sidelight_logger_append_seconds",
            "Time to append one batch of exchanges to the log.",
            buckets=_APPEND_BOUNDS,
            registry=registry,
        )
        self.pending = Gauge(
            "sidelight_logger_pending_records",
            "Exchanges that wait for the next append.",
            registry=registry,
        )
        self.peers = Gauge(
            "sidelight_logger_peers_connected",
            "Processes (proxy, shipper, model server) that are connected to the recorder.",
            registry=registry,
        )
        self.outlives_container = Gauge(
            "sidelight_log_outlives_container",
            "1: the log lies on a volume of the machine; 0: it goes with the container or "
            "its memory.",
            registry=registry,
        )
        for dropped in RECORDER_DROPS:
            self.dropped.labels(dropped)
