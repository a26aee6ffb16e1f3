"""What the model answered, as numbers that can be averaged and compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import ConfigError, NotEnoughData
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.outcomes import Outcome, learn_outcome, unpack_outcome

if TYPE_CHECKING:
    from sidelight_detectors.parts import Reference

Told = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Answers:
    """How answers of a model are read.

    Parameters
    ----------
    has_shares:
        Whether every class has a probability; else a class that was answered has 1, others 0.
    centre, scale:
        Of answers that are numbers.
    """

    outcome: Outcome
    has_shares: bool
    centre: float = 0.0
    scale: float = 1.0

    def told(self, rows: Indexed) -> Told:
        """Each row's share of each class, or its number in units of `scale`, ``(n, c)``; NaN where
        the row has no answer."""
        chosen = self.outcome.answers(rows)
        if self.outcome.is_regression:
            return ((chosen - self.centre) / self.scale)[:, None]
        shares = self.outcome.probabilities(rows) if self.has_shares else None
        if shares is None:
            shares = (chosen[:, None] == np.arange(len(self.outcome.classes))).astype(float)
        return np.where(np.isnan(chosen)[:, None], np.nan, shares)

    def unlike(self, rows: Indexed, others: Told) -> NDArray[np.float64]:
        """How far each row's answer is from `others` ``(n, c)``: 1 less their share of its class,
        or the distance of numbers; NaN where the row has no answer."""
        if self.outcome.is_regression:
            return np.asarray(np.abs(self.told(rows) - others)[:, 0])
        chosen = self.outcome.answers(rows)
        known = ~np.isnan(chosen)
        places = np.where(known, chosen, 0).astype(np.intp)
        return np.where(known, 1 - others[np.arange(len(others)), places], np.nan)

    def closeness(self, rows: Indexed) -> NDArray[np.float64]:
        """How little the answer lacked to be another, in [0, 1]; NaN where that is not known."""
        shares = self.outcome.probabilities(rows) if self.has_shares else None
        if shares is None:
            return np.full(len(rows), np.nan)
        if isinstance(self.outcome.settings.probability, str):
            return np.asarray(1 - np.abs(shares[:, self._positive] - self._threshold))
        first = np.sort(shares, axis=1)
        return np.asarray(1 - (first[:, -1] - first[:, -2]))

    @property
    def _threshold(self) -> float:
        return self.outcome.settings.threshold

    @property
    def _positive(self) -> int:
        return int(self.outcome.number_of_label(self.outcome.settings.positive))

    def pack(self) -> dict[str, Any]:
        own = {"has_shares": self.has_shares, "centre": self.centre, "scale": self.scale}
        return {"outcome": self.outcome.pack(), **own}


def learn_answers(reference: Reference) -> Answers:
    """From the reference rows.

    Raises
    ------
    ConfigError
        There is no `outcome`, or an output of it is not watched.
    NotEnoughData
        No reference row has an answer.
    """
    settings = reference.model.outcome
    if settings is None:
        raise ConfigError(
            "detectors.disagreement compares the model's answers; name the outputs that hold them "
            "under 'outcome', like 'outcome: {prediction: label}'"
        )
    outcome = learn_outcome(settings, reference.table)
    for name in outcome.outputs:
        if name not in reference.model.outputs:
            raise ConfigError(f"outcome: {name!r} is not watched; declare it under 'outputs'")
    found = outcome.answers(reference.rows)
    known = found[~np.isnan(found)]
    if not len(known):
        raise NotEnoughData("detectors.disagreement: no reference row has an answer")
    shares = outcome.probabilities(reference.rows)
    has_shares = shares is not None and not np.isnan(shares).all(axis=0).any()
    if not outcome.is_regression:
        return Answers(outcome, has_shares)
    low, centre, high = np.quantile(known, [0.25, 0.5, 0.75], method="inverted_cdf")
    return Answers(outcome, False, float(centre), float(high - low) or 1.0)


def unpack_answers(saved: Mapping[str, Any]) -> Answers:
    outcome = unpack_outcome(saved["outcome"])
    scale = float(saved["centre"]), float(saved["scale"])
    return Answers(outcome, bool(saved["has_shares"]), *scale)
