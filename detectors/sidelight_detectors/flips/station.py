"""Counterfactual flips of one model, made ready: what all partitions share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.bias import ProtectedSettings
from sidelight.config.detecting.flips import FlipsSettings
from sidelight.config.settings import ModelSettings
from sidelight.errors import ConfigError
from sidelight.predictors.contract import Predictor
from sidelight.tensors import Columns
from sidelight_detectors.flips.changing import Change, learn_change
from sidelight_detectors.flips.watching import FlipsWatching
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.outcomes import Outcome, learn_outcome
from sidelight_detectors.stations.contract import Reading
from sidelight_detectors.stations.place import Place, rows_of, told_of
from sidelight_detectors.stations.probing import Probing, Seat, seat
from sidelight_detectors.stations.saying import Speaker
from sidelight_detectors.streaming.identity import digest
from sidelight_detectors.watched import watched_features

FORMAT = 1
"""Of what is kept between batches, and of what is asked."""


class FlipsStation(Probing):
    """`changes` are the attributes that are changed, one at a time; `outcome` tells decisions."""

    title = "flips"

    def __init__(
        self,
        at: Seat,
        settings: FlipsSettings,
        plan: str,
        changes: tuple[Change, ...],
        outcome: Outcome,
    ) -> None:
        super().__init__(at, settings, plan)
        self.settings = settings
        self.changes = changes
        self.pairs = tuple(pair for change in changes for pair in change.pairs)
        self.favorable = outcome.favorable
        self._outcome = outcome

    @property
    def cost(self) -> int:
        return cost_of(self.changes)

    def read(self, rows: Columns) -> Reading:
        known = [change.codes(rows) < len(change.groups) for change in self.changes]
        return Reading(rows, np.logical_or.reduce(known))

    def watching(self, partition: int) -> FlipsWatching:
        return FlipsWatching(self, partition)

    def decisions(self, answers: Columns) -> NDArray[np.float64]:
        """The number of the class decided for, NaN where there is none."""
        asked = answers.select(self._outcome.outputs)
        cells = np.zeros((len(asked), 0), np.int32)
        return self._outcome.answers(Indexed(cells, asked, asked=asked))

    def speaker(self, partition: int) -> Speaker:
        promise = (
            f"The chance that any alarm ever raised is false is at most "
            f"{self.settings.false_alarms:g}, as far as rows are drawn independently. An alarm "
            f"says that a rate is above {self.settings.tolerance:g}. Window k of each of "
            f"{self.partitions} partitions spends 6/(pi k)^2 of its share, shared by all pairs."
        )
        return Speaker(self.model, self.title, self.plan, partition, promise)


def cost_of(changes: tuple[Change, ...]) -> int:
    """The row itself, and once for each group of each attribute."""
    return 1 + sum(len(change.groups) for change in changes)


def flips_station(
    name: str, model: ModelSettings, predictor: Predictor, place: Place
) -> FlipsStation:
    """Reads the reference; the predictor is not asked yet.

    Raises `ConfigError`, `NotEnoughData` and `DataMismatch` that name the setting.
    """
    with told_of(f"models.{name}.detectors.flips"):
        return _station(name, model, predictor, place)


def _station(name: str, model: ModelSettings, predictor: Predictor, place: Place) -> FlipsStation:
    settings = model.detectors.flips or FlipsSettings()
    table = rows_of(model)
    features = tuple(watched_features(table, model))
    changes = tuple(
        learn_change(attribute, asked, table)
        for attribute, asked in _protected(model, settings, features).items()
    )
    outcome = _outcome(model, table)
    place.require_afford(settings.max_rows_per_minute, cost_of(changes))
    asked = settings.model_dump_json(exclude={"max_lag", "max_rows_per_minute"})
    values = repr([(change.column, change.groups, change.values) for change in changes])
    plan = digest(FORMAT, place.partitions, asked, values, repr(outcome.pack()))
    at = seat(name, model, features, predictor, place)
    return FlipsStation(at, settings, plan, changes, outcome)


def _protected(
    model: ModelSettings, settings: FlipsSettings, features: tuple[str, ...]
) -> dict[str, ProtectedSettings]:
    """The attributes to change, all inputs of the model."""
    known = dict(model.detectors.bias.protected) if model.detectors.bias else {}
    inputs = {
        name: one
        for name, one in known.items()
        if (one.column or name) in features and not one.header and not one.table
    }
    wanted = settings.protected or tuple(inputs)
    for name in wanted:
        if name not in inputs and (name in known or name not in features):
            raise ConfigError(
                f"{name!r} is no input of the model, so it cannot be changed; "
                f"inputs are {', '.join(features)}"
            )
    if not wanted:
        raise ConfigError("no protected attribute is an input of the model; name some: 'protected'")
    return {name: inputs.get(name, ProtectedSettings()) for name in wanted}


def _outcome(model: ModelSettings, table: Columns) -> Outcome:
    if model.outcome is None:
        raise ConfigError("it needs to know what is decided; set the model's 'outcome'")
    outcome = learn_outcome(model.outcome, table)
    if outcome.is_regression:
        raise ConfigError("the outcome is a number, which is no decision; flips are of classes")
    return outcome
