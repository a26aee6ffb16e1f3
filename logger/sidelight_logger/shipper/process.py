"""The shipper's process: one sink, one group."""

from __future__ import annotations

import contextlib
import hashlib
import sys
from threading import Event

from sidelight import telemetry
from sidelight.config.settings import SinkSettings
from sidelight.errors import ConfigError
from sidelight.log import Log, open_log
from sidelight.log.topics import INFERENCE
from sidelight_logger.parts import part_of
from sidelight_logger.shipper.carrier import Carrier
from sidelight_logger.shipper.sink import HttpSink, sink_name
from sidelight_logger.shipper.telling import Teller
from sidelight_logger.stopping import stop_on_signals

_JOIN_SECONDS = 10.0


def main(argv: list[str]) -> int:
    telemetry.configure("shipper")
    stop = stop_on_signals()
    part = part_of(argv)
    settings = part.settings()
    if settings.logger.sink is None:
        raise ConfigError("logger.sink: no sink is set; the shipper has nothing to do")
    with contextlib.closing(open_log(settings.log)) as log:
        ship(log, settings.logger.sink, part.socket, part.grace_seconds, stop)
    return 0


def ship(log: Log, settings: SinkSettings, socket: str, grace_seconds: float, stop: Event) -> None:
    """Carry the log to the sink until stopped."""
    membership = log.join(group(settings.url), INFERENCE, wait_seconds=_JOIN_SECONDS)
    with contextlib.closing(HttpSink(settings)) as sink:
        name = sink_name(settings.url)
        carrier = Carrier(name, log, membership, sink, settings.form, stop)
        teller = Teller(socket, carrier.stats)
        teller.start()
        try:
            carrier.run(grace_seconds)
        finally:
            teller.stop()
            membership.leave()


def group(url: str) -> str:
    """The sink's group in the log: another address is another sink, and begins anew."""
    return "shipper-" + hashlib.sha256(sink_name(url).encode()).hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main(sys.argv))
