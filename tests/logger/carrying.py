"""A carrier in a thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from sidelight.log import topics
from sidelight.log.contract import Log, Membership
from sidelight_logger.shipper.carrying.carrier import Carrier
from tests.logger.sinks import wait_until


@contextmanager
def at_work(carrier: Carrier, stop: Event, membership: Membership) -> Iterator[Carrier]:
    """Stopped at the end, and its place given up."""
    thread = Thread(target=carrier.run)
    thread.start()
    try:
        yield carrier
    finally:
        stop.set()
        thread.join()
        membership.leave()


def caught_up(log: Log, carrier: Carrier) -> None:
    """Wait until it has dealt with all that is there."""
    end = log.span(topics.INFERENCE, 0).end
    wait_until(lambda: carrier.stats().accepted == end and carrier.stats().waiting == 0)
