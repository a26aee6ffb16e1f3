"""The metrics: which rates of two groups each compares, and how.

A *rate* is a share of yes among some rows of a group, or a mean; a metric weighs its rates in one
group against the same rates in the privileged group.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from sidelight.config.detecting.bias import BiasMetric

SCALE = 1 << 30
"""Means are summed in units of 2^-30 of their range: 2^33 rows fit, each off by 5e-10 at most."""

Form = Literal["difference", "ratio", "odds", "largest"]
"""difference: of the weighed rates. ratio: of one rate. odds: difference of p / (1 - p). largest:
the largest absolute difference of any of the rates."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One rate of a group, by the columns of its table.

    `rows` are the columns that add up to its denominator, `total` the one with its numerator; of a
    mean `total` and `squares` hold sums of its place in [0, 1] between `low` and ``low + width``,
    and `doubt` is what its interval adds to the sum of squared deviations (`intervals.mean`).
    """

    name: str
    rows: tuple[int, ...]
    total: int
    squares: int | None = None
    low: float = 0.0
    width: float = 1.0
    doubt: float = 0.0

    @property
    def is_mean(self) -> bool:
        return self.squares is not None


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric by the names of its rates, each with its weight in a group."""

    name: BiasMetric
    rates: tuple[str, ...]
    form: Form = "difference"
    weights: tuple[float, ...] = (1.0,)


DECIDED = (
    Metric("statistical_parity_difference", ("selected",)),
    Metric("disparate_impact_ratio", ("selected",), "ratio"),
)
"""Of decisions alone."""

PREDICTED = (Metric("mean_prediction_difference", ("prediction",)),)
"""Of predicted numbers alone."""

COME_TRUE = (
    Metric("equal_opportunity_difference", ("true_positive",)),
    Metric("false_positive_rate_difference", ("false_positive",)),
    Metric("equalised_odds_difference", ("true_positive", "false_positive"), "largest", (1.0, 1.0)),
    Metric("average_odds_difference", ("true_positive", "false_positive"), weights=(0.5, 0.5)),
    Metric("predictive_parity_difference", ("precision",)),
    Metric("false_omission_rate_difference", ("false_omission",)),
    Metric("false_discovery_rate_difference", ("false_discovery",)),
    Metric("treatment_equality_difference", ("missed",), "odds"),
    Metric("calibration_difference", ("residual",)),
)
"""Of decisions with their labels; the last where a probability is told."""

MEASURED = (Metric("mean_residual_difference", ("residual",)),)
"""Of predicted numbers with true ones."""

ROWS, FAVORED = 0, 1
_SUM, _SQUARES = 1, 2

SELECTED = Rate("selected", (ROWS,), FAVORED)

AWAITED = 0
TRUE_NEGATIVE, FALSE_NEGATIVE, FALSE_POSITIVE, TRUE_POSITIVE = CONFUSION = (1, 2, 3, 4)
"""Columns of rows by decision, then by truth; positive is favourable."""

CONFUSED = (
    Rate("true_positive", (TRUE_POSITIVE, FALSE_NEGATIVE), TRUE_POSITIVE),
    Rate("false_positive", (FALSE_POSITIVE, TRUE_NEGATIVE), FALSE_POSITIVE),
    Rate("precision", (TRUE_POSITIVE, FALSE_POSITIVE), TRUE_POSITIVE),
    Rate("false_omission", (FALSE_NEGATIVE, TRUE_NEGATIVE), FALSE_NEGATIVE),
    Rate("false_discovery", (TRUE_POSITIVE, FALSE_POSITIVE), FALSE_POSITIVE),
    Rate("missed", (FALSE_NEGATIVE, FALSE_POSITIVE), FALSE_NEGATIVE),
)


def prediction(low: float, width: float) -> Rate:
    """The mean prediction, between these numbers."""
    return Rate("prediction", (ROWS,), _SUM, _SQUARES, low, width)


def residual(begin: int, width: float) -> Rate:
    """The mean of truth less predicted number, from -`width` to `width`; three columns."""
    return Rate("residual", (begin,), begin + 1, begin + 2, -width, 2 * width)


def uncalibrated(begin: int) -> Rate:
    """The mean of truth less probability, as if half a row more had turned out otherwise."""
    return replace(residual(begin, 1.0), doubt=0.5 / 2**2)
