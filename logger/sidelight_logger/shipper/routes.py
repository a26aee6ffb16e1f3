"""The ways out of what the recorder writes: to the log, when that is on Kafka, and to a sink."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from sidelight.config.brokers import KafkaAddress, is_kafka
from sidelight.config.settings import Settings

LOG = "log"
SINK = "sink"


@dataclass(frozen=True)
class Route:
    """What one shipper process carries to.

    `name` tells it in metrics; `group` keeps its place, so another group begins anew.
    """

    process: str
    name: str
    group: str


def routes(settings: Settings) -> Mapping[str, Route]:
    """The routes that the settings ask for, by `LOG` and `SINK`."""
    found = {}
    if is_kafka(settings.log.url):
        found[LOG] = Route("log shipper", *_named(settings.log.url))
    if settings.logger.sink is not None:
        found[SINK] = Route("shipper", *_named(settings.logger.sink.url))
    return found


def sink_name(url: str) -> str:
    """The address without user, password and query: a label, and the sink's place in the log."""
    if is_kafka(url):
        return url
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"


def _named(url: str) -> tuple[str, str]:
    # Brokers come and go, and their list is no more than a place to begin: it is no part of it.
    place = f"kafka:{KafkaAddress.parse(url).prefix}" if is_kafka(url) else sink_name(url)
    return sink_name(url), "shipper-" + hashlib.sha256(place.encode()).hexdigest()[:16]
