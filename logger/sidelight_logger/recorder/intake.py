"""What is done with each frame."""

from __future__ import annotations

from collections.abc import Callable

from sidelight.errors import MalformedPayload
from sidelight.events.exchange import Exchange
from sidelight.events.exchanges import to_record
from sidelight_logger.metrics.proxy import Snapshots
from sidelight_logger.metrics.recorder import MALFORMED, OUTSIZED, RecorderMetrics
from sidelight_logger.policy.policy import Policy
from sidelight_logger.recorder.batch import Batch
from sidelight_logger.recorder.describing.description import Origin, describe
from sidelight_logger.wire.captures import Capture
from sidelight_logger.wire.frames import Frame, Outsized
from sidelight_logger.wire.sinks import SinkStats


class Intake:
    """Describes captures and adds them to the batch; shows the newest counters of the shippers."""

    def __init__(
        self,
        batch: Batch,
        origin: Origin,
        policy: Policy,
        sequence: Callable[[], int],
        metrics: RecorderMetrics,
        snapshots: Snapshots,
    ) -> None:
        self._batch = batch
        self._origin = origin
        self._policy = policy
        self._sequence = sequence
        self._metrics = metrics
        self._snapshots = snapshots

    def take(self, frame: Frame) -> None:
        if isinstance(frame, Capture):
            self._record(frame)
        elif isinstance(frame, SinkStats):
            self._snapshots.sink(frame)
        elif isinstance(frame, Outsized):
            self._metrics.received.inc()
            self._metrics.dropped.labels(OUTSIZED).inc()

    def _record(self, capture: Capture) -> None:
        metrics = self._metrics
        metrics.received.inc()
        try:
            exchange = describe(capture, self._sequence(), self._origin)
        except MalformedPayload:
            metrics.dropped.labels(MALFORMED).inc()
            return
        if exchange is None:
            metrics.left_out.inc()
            return
        kept = self._policy.kept(exchange)
        if kept.exchange is None:
            metrics.not_kept[kept.left_out].inc()
            return
        self._batch.add(to_record(kept.exchange))
        self._count(kept.exchange)
        for side, reason in kept.withheld:
            metrics.withheld.labels(side, reason).inc()

    def _count(self, exchange: Exchange) -> None:
        for side, body in (("request", exchange.request), ("response", exchange.response)):
            self._metrics.body_bytes[side].inc(len(body.content))
            if body.truncated:
                self._metrics.truncated[side].inc()
