"""Starts alibi-detect's detectors beside the service's own, when any is configured."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from prometheus_client import CollectorRegistry

from sidelight.config.settings import Settings
from sidelight.events.store import PatientStore, open_store
from sidelight.log import Log
from sidelight.log.topics import INFERENCE
from sidelight_detectors.alibi import building
from sidelight_detectors.alibi.metrics import AlibiCollector
from sidelight_detectors.alibi.service import AlibiDetectors
from sidelight_detectors.alibi.station import Station, station

LICENCE = (
    "alibi-detect is in use: since 0.11.5 it is under the Business Source License 1.1, "
    "which restricts production use; read its LICENSE"
)

logger = structlog.get_logger("sidelight.detectors")


def stations(settings: Settings, log: Log) -> tuple[Station, ...]:
    """Every configured detector, made; errors name the setting."""
    partitions = log.partitions(INFERENCE)
    store = None if settings.log.store is None else PatientStore(open_store(settings.log.store))
    made = tuple(
        station(model_name, model, name, asked, partitions, store)
        for model_name, model in settings.models.items()
        for name, asked in (model.detectors.alibi or {}).items()
    )
    if made:
        names = [f"{one.model}.{one.name}" for one in made]
        logger.warning(LICENCE, version=building.version(), detectors=names)
    return made


@contextmanager
def alibi_at_work(
    settings: Settings, log: Log, registry: CollectorRegistry, stop: threading.Event
) -> Iterator[None]:
    """A thread of their own until the block ends; what breaks it stops the service and is raised.

    Where no model has such a detector there is neither thread nor metrics, and nothing of
    alibi-detect is imported.
    """
    made = stations(settings, log)
    if not made:
        yield
        return
    detectors = AlibiDetectors(log, made, settings.detectors, stop)
    registry.register(AlibiCollector(made, detectors.crews))
    failed: list[BaseException] = []
    thread = threading.Thread(target=_run, args=(detectors, stop, failed), name="alibi-detect")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if failed:
        raise failed[0]


def _run(detectors: AlibiDetectors, stop: threading.Event, failed: list[BaseException]) -> None:
    try:
        detectors.run()
    except BaseException as exc:  # It ends the thread either way; the process must hear of it.
        failed.append(exc)
        stop.set()
