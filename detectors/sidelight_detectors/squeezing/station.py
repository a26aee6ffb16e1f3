"""Feature squeezing of one model, made ready: what all partitions share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sidelight.config.detecting.features import FeatureSettings
from sidelight.config.detecting.squeezing import SqueezingSettings
from sidelight.config.settings import ModelSettings
from sidelight.predictors.contract import Predictor
from sidelight.tensors import Columns
from sidelight_detectors.conformal import allowed_on_average, rate_bound
from sidelight_detectors.encoders.tensor_form import TensorForm, tensor_form
from sidelight_detectors.split import shuffled
from sidelight_detectors.squeezing.calibrating import Calibrations
from sidelight_detectors.squeezing.squeezers import Squeezer, fit_squeezers
from sidelight_detectors.squeezing.watching import SqueezingWatching
from sidelight_detectors.stations.contract import Reading
from sidelight_detectors.stations.place import Place, rows_of, told_of
from sidelight_detectors.stations.probing import Probing, Seat, seat
from sidelight_detectors.stations.saying import Speaker
from sidelight_detectors.streaming.identity import digest
from sidelight_detectors.watched import watched_features

FORMAT = 1
"""Of what is kept between batches, and of what is asked."""

CONFIDENCE = 0.95
"""Of the bound on the rate of one reference."""


@dataclass(frozen=True, eq=False)
class Squeezing:
    """What is asked: the squeezers, which have learnt from other rows than the `reference` ones
    that calibrate. `output` is compared, the first where it is None."""

    forms: tuple[TensorForm, ...]
    squeezers: tuple[Squeezer, ...]
    reference: Columns
    output: str | None


class SqueezingStation(Probing):
    """`calibrations` is what the partitions have learnt of the model together; `bound` is what the
    rate of this one reference is at most."""

    title = "squeezing"

    def __init__(self, at: Seat, settings: SqueezingSettings, plan: str, asks: Squeezing) -> None:
        super().__init__(at, settings, plan)
        self.rate = settings.rate
        self.asks = asks
        self.names = [squeezer.name for squeezer in asks.squeezers]
        self.bound = _bound(len(asks.reference), settings.rate)
        self.calibrations = Calibrations(len(asks.reference), settings.rate)

    @property
    def cost(self) -> int:
        return 1 + len(self.asks.squeezers)

    def read(self, rows: Columns) -> Reading:
        there = [form.read(rows[form.name])[1] for form in self.asks.forms]
        return Reading(rows, np.logical_and.reduce([np.ones(len(rows), bool), *there]))

    def watching(self, partition: int) -> SqueezingWatching:
        return SqueezingWatching(self, partition)

    def speaker(self, partition: int) -> Speaker:
        promise = (
            f"Rows like the reference's are flagged at a rate of {self.rate:g} at most, on average "
            "over references. No alarm is raised."
        )
        return Speaker(self.model, self.title, self.plan, partition, promise)


def _bound(reference_rows: int, rate: float) -> float:
    """Raises `NotEnoughData` when no row could be flagged at that rate."""
    rows = reference_rows - reference_rows // 2
    return rate_bound(CONFIDENCE, rows, allowed_on_average(rows, rate))


def squeezing_station(
    name: str, model: ModelSettings, predictor: Predictor, place: Place
) -> SqueezingStation:
    """Reads the reference; the predictor is not asked yet.

    Raises `ConfigError`, `NotEnoughData` and `DataMismatch` that name the setting.
    """
    with told_of(f"models.{name}.detectors.squeezing"):
        return _station(name, model, predictor, place)


def _station(
    name: str, model: ModelSettings, predictor: Predictor, place: Place
) -> SqueezingStation:
    settings = model.detectors.squeezing or SqueezingSettings()
    table = rows_of(model)
    features = watched_features(table, model)
    asks = _asks(table.select([*features]), features, settings, model)
    place.require_afford(settings.max_rows_per_minute, 1 + len(asks.squeezers))
    asked = settings.model_dump_json(exclude={"max_lag", "max_rows_per_minute"})
    content = repr([column.values.tolist() for column in asks.reference])
    plan = digest(FORMAT, place.partitions, asked, asks.output or "", content)
    at = seat(name, model, tuple(features), predictor, place)
    return SqueezingStation(at, settings, plan, asks)


def _asks(
    table: Columns,
    features: Mapping[str, FeatureSettings],
    settings: SqueezingSettings,
    model: ModelSettings,
) -> Squeezing:
    order = shuffled(len(table))
    # Of a small reference one half calibrates, and the other is what the squeezers learn from.
    wanted = min(settings.calibration, len(table) // 2)
    reference, others = table.take(order[:wanted]), table.take(order[wanted:])
    images = [name for name in features if features[name].kind == "image"]
    forms = tuple(tensor_form(table[name], features[name]) for name in images)
    squeezers = fit_squeezers(others, features, settings)
    return Squeezing(
        forms, squeezers, reference, model.predictor.output if model.predictor else None
    )
