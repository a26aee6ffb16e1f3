"""A station that asks the live predictor: what all of them have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass

from sidelight.config.detecting.asking import AskingSettings
from sidelight.config.services import served_as
from sidelight.config.settings import ModelSettings
from sidelight.predictors.contract import Predictor
from sidelight_detectors.stations.asking import Asker
from sidelight_detectors.stations.budget import Budget
from sidelight_detectors.stations.place import Place
from sidelight_detectors.streaming.intake import WatchedColumns


@dataclass(frozen=True, eq=False)
class Seat:
    """Which model is asked, at which predictor, from where."""

    model: str
    served_as: str
    watched: WatchedColumns
    predictor: Predictor
    place: Place


def seat(
    name: str, model: ModelSettings, features: tuple[str, ...], predictor: Predictor, place: Place
) -> Seat:
    """For the model of that name, whose rows have these `features`."""
    watched = WatchedColumns(name, features, (), place.store, probes=place.probes)
    return Seat(name, served_as(name, model), watched, predictor, place)


class Probing(ABC):
    """A `Station` with a predictor and a budget; who inherits says what it asks, and why."""

    title: str

    def __init__(self, at: Seat, settings: AskingSettings, plan: str) -> None:
        self.model = at.model
        self.served_as = at.served_as
        self.watched = at.watched
        self.plan = plan
        self.sample = settings.sample
        self.max_lag = settings.max_lag
        self.partitions = at.place.partitions
        self._at = at
        self._rows_a_minute = settings.max_rows_per_minute

    @property
    def group(self) -> str:
        """The consumer group of this detector of this model alone."""
        return f"{self.title}.{self.model}"

    @property
    @abstractmethod
    def cost(self) -> int:
        """Rows that the predictor is asked about for one of traffic."""
        ...

    def asker(self, counts: Counter[str]) -> Asker:
        """For one partition, with its part of the budget."""
        place = self._at.place
        budget = Budget(self._rows_a_minute / place.partitions, self.cost, place.clock)
        return Asker(self._at.predictor, budget, counts)
