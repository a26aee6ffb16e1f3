"""A shipper's process: one route, one group."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from threading import Event, Thread

from sidelight import telemetry
from sidelight.config.brokers import is_kafka
from sidelight.config.services import recorded
from sidelight.config.settings import Settings
from sidelight.ending import ended
from sidelight.errors import ConfigError
from sidelight.log import Log, open_log
from sidelight.log.scope import place
from sidelight.log.topics import INFERENCE
from sidelight_logger.parts import Part, part_of
from sidelight_logger.shipper.carrying.carrier import Carrier
from sidelight_logger.shipper.carrying.letters import Letters
from sidelight_logger.shipper.carrying.patience import Backoff, Patience
from sidelight_logger.shipper.routes import Route, routes
from sidelight_logger.shipper.telling import Teller
from sidelight_logger.shipper.ways import way as way_to
from sidelight_logger.stopping import stop_on_signals
from sidelight_logger.wire.sinks import SinkStats

_JOIN_SECONDS = 10.0
_CARRYING = 0.9
"""Of the grace period; the rest is for the last commit and the last counters."""


def main(argv: Sequence[str]) -> int:
    telemetry.configure("shipper")
    stop = stop_on_signals()
    part = part_of(argv)
    settings = part.settings()
    if part.route not in routes(settings):
        raise ConfigError(
            f"logger.sinks: there is no {part.route!r}; the shipper has nothing to do"
        )
    _end_after(stop, part.grace_seconds)
    with closing(open_log(recorded(settings))) as source, ExitStack() as closed:
        ship(part, settings, source, stop, closed)
    return 0


def ship(part: Part, settings: Settings, source: Log, stop: Event, closed: ExitStack) -> None:
    """Carry what the recorder writes along the route until stopped."""
    route = routes(settings)[part.route]
    way = way_to(part.route, settings, source, closed)
    letters = _letters(route, settings, source, closed)
    backoff = Backoff(longest_seconds=way.delivery.longest_wait_seconds)
    grace_seconds = part.grace_seconds * _CARRYING
    lasting = place(recorded(settings).url)
    is_lost = lasting is not None and lasting.survives != "node"  # what is left when we end
    last_tries_seconds = grace_seconds if is_lost else 0.0
    patience = Patience(route.name, stop, grace_seconds, backoff, last_tries_seconds)
    membership = source.join(route.group, INFERENCE, wait_seconds=_JOIN_SECONDS)
    carrier = Carrier(route.name, source, membership, way.delivery, letters, patience, way.choice)

    def told() -> SinkStats:
        patience.tell()
        return replace(carrier.stats(), posts=way.posts())

    teller = Teller(part.socket, told)
    teller.start()
    try:
        carrier.run()
    finally:
        teller.stop()
        membership.leave()


def _letters(route: Route, settings: Settings, source: Log, closed: ExitStack) -> Letters:
    """They go to the log, where `sidelight log dead-letters` looks for them."""
    if not is_kafka(settings.log.url):
        return Letters(route.name, source)
    log = closed.enter_context(closing(open_log(settings.log)))
    return Letters(route.name, log, f"spool:{source.log_id}/")


def _end_after(stop: Event, seconds: float) -> None:
    """Whatever holds this process up, it ends that long after the stop.

    An append waits for its brokers longer than a grace period may be. What was not acknowledged is
    not committed, and sent again by the next shipper.
    """

    def end() -> None:
        stop.wait()
        time.sleep(seconds)
        os._exit(0)

    Thread(target=end, name="end", daemon=True).start()


if __name__ == "__main__":
    sys.exit(ended(main, sys.argv))
