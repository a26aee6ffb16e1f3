"""What is wrong between settings that are each right by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from sidelight.config.addresses import Listen
from sidelight.config.capturing.joiner_faults import joiner_faults
from sidelight.config.capturing.redact_faults import redact_faults
from sidelight.config.capturing.sink_faults import sink_faults
from sidelight.config.explaining.modality import modality_of
from sidelight.config.fields import Key, dotted
from sidelight.config.kafka import kafka_faults
from sidelight.config.services import grpc_upstream, named, upstream
from sidelight.config.settings import ModelSettings, Settings

ASKING = ("squeezing", "flips")
"""Detectors that ask the model themselves."""

_OF_OUTCOMES = ("bias", "labels", "flips")
"""Detectors that look at what a model decides."""

_LISTENING: tuple[Key, ...] = (
    ("logger", "listen"),
    ("logger", "grpc_listen"),
    ("logger", "metrics"),
    ("receiver", "listen"),
    ("joiner", "listen"),
    ("detectors", "listen"),
    ("explainers", "listen"),
    ("explainers", "grpc_listen"),
    ("dashboard", "listen"),
)


@dataclass(frozen=True)
class Fault:
    """What is wrong, told at the setting where it is best put right."""

    key: Key
    message: str


def faults(settings: Settings) -> Iterator[Fault]:
    """All that is wrong, whichever service reads it."""
    for name, model in settings.models.items():
        yield from _of_model(("models", name), model)
    for told in (
        kafka_faults(settings.log),
        sink_faults(settings),
        joiner_faults(settings),
        redact_faults(settings),
    ):
        yield from (Fault(key, message) for key, message in told)
    yield from _of_logger(settings)
    yield from _of_addresses(settings)


def _of_model(key: Key, model: ModelSettings) -> Iterator[Fault]:
    name = dotted(key)
    watchers = [(*key, "detectors", one) for one in named(model.detectors)]
    askers = [(*key, "explainers", one) for one in named(model.explainers)]
    if model.reference is None:
        needing = askers if modality_of(model.features) == "tabular" else []
        for one in (*watchers, *needing):
            yield Fault(one, f"{dotted(one)} needs {name}.reference, which is not set")
    if model.outcome is None:
        for one in watchers:
            if one[-1] in _OF_OUTCOMES:
                yield Fault(one, f"{dotted(one)} needs {name}.outcome, which is not set")
    probing = [(*key, "detectors", one) for one in ASKING if getattr(model.detectors, one)]
    if model.predictor is None:
        for one in (*askers, *probing):
            yield Fault(one, f"{dotted(one)} needs {name}.predictor, which is not set")
    yield from _of_inputs(key, model)


def _of_inputs(key: Key, model: ModelSettings) -> Iterator[Fault]:
    """Methods, and options of them, that mean nothing for inputs such as the model's."""
    modality = modality_of(model.features)
    for method, settings in model.explainers.methods():
        place = (*key, "explainers", *method.split(".", 1))
        told = {(*place, one): settings.OF_INPUTS.get(one) for one in settings.model_fields_set}
        unfit: dict[Key, str] = {
            one: kind for one, kind in told.items() if kind and kind != modality
        }
        if modality not in settings.MODALITIES:
            unfit = {place: " or ".join(settings.MODALITIES)}
        for one, kinds in unfit.items():
            yield Fault(
                one,
                f"{dotted(one)} is for {kinds} inputs, and the model's are {modality}; leave it"
                " out",
            )


def _of_logger(settings: Settings) -> Iterator[Fault]:
    server = upstream(settings) or grpc_upstream(settings)
    if server is not None and server.rstrip("/").endswith(f"//{settings.logger.listen}"):
        key = ("logger", "upstream")
        yield Fault(key, f"the logger would forward to itself: {server} is logger.listen")


def _of_addresses(settings: Settings) -> Iterator[Fault]:
    told = {key: _setting(settings, key) for key in _LISTENING}
    parsed = {key: Listen.parse(address) for key, address in told.items() if address}
    for (first, here), (second, there) in combinations(parsed.items(), 2):
        if here.collides_with(there):
            yield Fault(
                second,
                f"{dotted(second)} is {there}, which {dotted(first)} uses too; choose another port",
            )


def _setting(settings: Settings, key: Key) -> str | None:
    section, name = key
    told: str | None = getattr(getattr(settings, section), name, None)
    return told
