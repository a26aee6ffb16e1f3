"""Which stations the configuration asks for, and which of them share a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack

from sidelight.config.settings import ModelSettings, Settings
from sidelight.errors import ConfigError
from sidelight.events.store import PatientStore, open_store
from sidelight.log import Log
from sidelight.log.topics import INFERENCE
from sidelight.predictors import open_predictor
from sidelight.predictors.contract import Predictor
from sidelight.probes import mark_of, probe_verifier
from sidelight_detectors.alibi import serving as alibi
from sidelight_detectors.flips.station import flips_station
from sidelight_detectors.squeezing.station import squeezing_station
from sidelight_detectors.stations.contract import Station
from sidelight_detectors.stations.place import Place

PURPOSES = {"squeezing": "squeeze", "flips": "flip"}
"""Detectors that ask the model, and what they tell it they ask for (`sidelight.probes`)."""

ASKERS: Mapping[str, Callable[[str, ModelSettings, Predictor, Place], Station]] = {
    "squeezing": squeezing_station,
    "flips": flips_station,
}


def open_teams(
    settings: Settings, log: Log, closing: ExitStack
) -> Iterator[tuple[str, Sequence[Station]]]:
    """Every configured station, made, by the name of its thread; errors name the setting.

    alibi-detect draws from the generators of the process and is not made for threads: its detectors
    share one. Who asks a predictor has a thread alone, so that no other waits for that predictor,
    which is closed with `closing`.
    """
    store = None if settings.log.store is None else PatientStore(open_store(settings.log.store))
    place = Place(log.partitions(INFERENCE), store, probe_verifier(settings))
    if made := alibi.stations(settings, place):
        yield "alibi-detect", made
    for name, model in settings.models.items():
        for kind in PURPOSES:
            if getattr(model.detectors, kind) is not None:
                predictor = _predictor(settings, name, kind)
                closing.callback(predictor.close)
                station = ASKERS[kind](name, model, predictor, place)
                yield station.group, [station]


def _predictor(settings: Settings, name: str, kind: str) -> Predictor:
    model = settings.models[name]
    if model.predictor is None:
        raise ConfigError(f"models.{name}.detectors.{kind} needs models.{name}.predictor; set it")
    mark = mark_of(settings, model.predictor, PURPOSES[kind])
    return open_predictor(name, model.predictor, tuple(model.features), mark)
