"""The ways out of what the recorder writes: to the log, when that is on Kafka, and to the sinks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from sidelight.config.brokers import KafkaAddress, is_kafka
from sidelight.config.capturing.sink_faults import RESERVED
from sidelight.config.settings import Settings

LOG = RESERVED
"""The name of the way to a log on Kafka."""


@dataclass(frozen=True)
class Route:
    """What one shipper process carries to.

    `name` tells it in metrics; `group` keeps its place, so another group begins anew.
    """

    name: str
    group: str


def routes(settings: Settings) -> Mapping[str, Route]:
    """The routes that the settings ask for, by name: `LOG`, and those of the sinks."""
    urls = {name: sink.url for name, sink in settings.logger.sinks.items()}
    if is_kafka(settings.log.url):
        urls = {LOG: settings.log.url, **urls}
    return {name: Route(name, _group(name, url)) for name, url in urls.items()}


def place_of(url: str) -> str:
    """The address without user, password and query.

    In ``abfs://CONTAINER@ACCOUNT/PATH`` no user stands there, but a part of the place.
    """
    if is_kafka(url):
        # Brokers come and go, and their list is no more than a place to begin: it is no part of it.
        return f"kafka:{KafkaAddress.parse(url).prefix}"
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    user = f"{parts.username}@" if parts.username and "abfs" in parts.scheme else ""
    return f"{parts.scheme}://{user}{parts.hostname or ''}{port}{parts.path}"


def _group(name: str, url: str) -> str:
    # There is one log only, and its way is older than the names of sinks.
    whole = place_of(url) if name == LOG else f"{name}\0{place_of(url)}"
    return "shipper-" + hashlib.sha256(whole.encode()).hexdigest()[:16]
