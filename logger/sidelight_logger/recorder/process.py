"""The recorder's process."""

from __future__ import annotations

import contextlib
import gc
import socket
import sys
from collections.abc import Callable, Sequence

import orjson
from prometheus_client import CollectorRegistry, disable_created_metrics

from sidelight import telemetry
from sidelight.config.services import recorded
from sidelight.config.settings import LoggerSettings
from sidelight.ending import ended
from sidelight.log import Log, open_log
from sidelight.log.scope import Scope, place
from sidelight_logger.metrics.kserve import KServeMetrics
from sidelight_logger.metrics.proxy import Snapshots
from sidelight_logger.metrics.recorder import RecorderMetrics
from sidelight_logger.metrics.sinks import Sinks
from sidelight_logger.parts import Part, part_of
from sidelight_logger.policy.configured import policy_of
from sidelight_logger.policy.policy import Policy
from sidelight_logger.recorder.batch import Batch
from sidelight_logger.recorder.describing.description import Origin
from sidelight_logger.recorder.guests import Guests
from sidelight_logger.recorder.intake import Intake
from sidelight_logger.recorder.page import Page
from sidelight_logger.recorder.sequence import recorder_id, sequence
from sidelight_logger.recorder.server import Door, Server
from sidelight_logger.stopping import stop_on_signals
from sidelight_logger.wire import tally

_HEADS_BYTES = 1 << 20
"""Room in a frame for both heads, far above what the proxy lets through."""
_SORTED = orjson.OPT_SORT_KEYS
_KSERVE_NAMES = ("inference_service", "namespace", "component", "endpoint")


def main(argv: Sequence[str]) -> int:
    telemetry.configure("recorder")
    disable_created_metrics()  # type: ignore[no-untyped-call]
    stop = stop_on_signals()
    part = part_of(argv)
    settings = part.settings()
    log_id = recorder_id(settings.log.url, part.listen)
    written, rules = recorded(settings), policy_of(settings)
    with contextlib.closing(open_log(written)) as log:
        origin = Origin(part.source, log_id, extensions(settings.logger), rules.headers)
        serve(part, settings.logger, rules, log, place(written.url), origin, stop.is_set)
    return 0


def serve(
    part: Part,
    settings: LoggerSettings,
    rules: Policy,
    log: Log,
    kept: Scope | None,
    origin: Origin,
    stopping: Callable[[], bool],
) -> None:
    """Put the parts together and run until stopped."""
    registry = CollectorRegistry()
    cells = tally.mapped(part.tally_fd) if part.forwards else tally.private()
    sinks = Sinks(settings.sinks)
    metrics, snapshots, guests = RecorderMetrics(registry), Snapshots(cells, sinks), Guests()
    registry.register(snapshots)
    registry.register(guests)
    if settings.kserve_metrics:
        registry.register(KServeMetrics(sinks))
    batch = Batch(log, metrics)
    metrics.pending.set_function(lambda: len(batch))
    metrics.outlives_container.set(kept is not None and kept.survives == "node")
    numbers = sequence(log, origin.log_id)
    intake = Intake(batch, origin, rules, numbers, metrics, snapshots)
    listener = socket.socket(fileno=part.recorder_fd)
    max_frame_bytes = 2 * settings.max_body + _HEADS_BYTES
    door = Door(socket.socket(fileno=part.guests_fd), guests) if part.guests_fd >= 0 else None
    server = Server(listener, intake, batch, max_frame_bytes, metrics.peers.set, door)
    metrics_listener = socket.socket(fileno=part.metrics_fd)
    unready = snapshots.missing_proxy if part.forwards else lambda: ""
    page = Page(metrics_listener, registry, unready, snapshots.details)
    page.start()
    gc.freeze()  # as in the proxy: what is there now stays, and need not be looked at again
    try:
        server.run(stopping, part.grace_seconds)
    finally:
        page.stop()


def extensions(settings: LoggerSettings) -> dict[str, str]:
    """KServe's names of the service, which its sinks expect even when they are empty, and its
    annotations, which they get only if there are any."""
    names = {name.replace("_", ""): getattr(settings, name) for name in _KSERVE_NAMES}
    names["inferenceservicename"] = names.pop("inferenceservice")
    if settings.annotations:
        names["annotations"] = orjson.dumps(settings.annotations, option=_SORTED).decode()
    return names


if __name__ == "__main__":
    sys.exit(ended(main, sys.argv))
