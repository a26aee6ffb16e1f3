"""Where the demo's events go: a folder of this machine, or topics of a Kafka."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sidelight.config.layers import BROKER_VARIABLE
from sidelight.config.settings import LogSettings

PARTITIONS = 3

Place = Callable[[Path], AbstractContextManager[LogSettings]]
"""Makes the log's place ready in the demo's folder; what was started for it ends with the demo."""


@contextmanager
def local(folder: Path) -> Iterator[LogSettings]:
    """A local log."""
    yield LogSettings(url=str(folder / "sidelight.db"))


@contextmanager
def kafka(folder: Path) -> Iterator[LogSettings]:
    """Fresh topics on the broker that ``SIDELIGHT_KAFKA`` names, else on one started here.

    Raises `BrokerUnavailable` when this machine cannot run one.
    """
    from sidelight.log.kafka.plans import plans
    from sidelight.log.kafka.standing import create

    with _broker(folder) as address:
        url = f"kafka://{address}/demo-{uuid.uuid4().hex[:8]}"
        settings = LogSettings(url=url, partitions=PARTITIONS)
        create(settings, plans(settings))
        yield settings


@contextmanager
def _broker(folder: Path) -> Iterator[str]:
    from sidelight.demo.broker import Broker

    if address := os.environ.get(BROKER_VARIABLE):
        yield address
        return
    with Broker(folder / "kafka") as broker:
        yield broker.bootstrap
