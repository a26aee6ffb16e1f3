"""Which stations the configuration asks for, and which of them share a thread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sidelight.config.settings import Settings
from sidelight.events.store import PatientStore, open_store
from sidelight.log import Log
from sidelight.log.topics import INFERENCE
from sidelight_detectors.alibi import serving as alibi
from sidelight_detectors.stations.contract import Station

Named = tuple[str, Sequence[Station]]


def open_teams(settings: Settings, log: Log) -> Iterator[Named]:
    """Every configured station, made, by the name of its thread; errors name the setting.

    alibi-detect draws from the generators of the process and is not made for threads: its detectors
    share one. Who asks a predictor has a thread alone, so that no other waits for that predictor.
    """
    partitions = log.partitions(INFERENCE)
    store = None if settings.log.store is None else PatientStore(open_store(settings.log.store))
    if made := alibi.stations(settings, partitions, store):
        yield "alibi-detect", made
