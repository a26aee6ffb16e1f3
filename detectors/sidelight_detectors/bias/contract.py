"""What is compared between groups: rates or means, and how far apart they may be.

The table of groups says once which `Comparison`s it makes, over the numbered rates of a `Tally`,
and then gives a tally of any sums: a pane's, a window's, those of settled labels. Windows are
judged by it, and the sequential audit bets on it; neither knows of groups, predictions or labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.contract import Sums


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric of one group beside the one it is compared with, and what is allowed.

    Parameters
    ----------
    metric, attribute, group, against:
        As people read them: ``disparate_impact_ratio``, ``sex``, ``female``, ``male``; an
        intersection's attribute is ``sex*race``, its group ``female*black``.
    rates:
        Numbers of the tally's rates that it is made of: a group's and the other's; four in
        average odds.
    weights:
        One for each rate, none 0. Allowed is ``low <= sum(weights * rates) <= high``.
    low, high:
        ``-inf`` or ``inf`` where one side alone is of concern. ``(1, -1)`` within -0.1 and 0.1 is a
        difference of at most 0.1; ``(1, -0.8)`` within 0 and inf is a ratio of at least 0.8.
    """

    metric: str
    attribute: str
    group: str
    against: str
    rates: tuple[int, ...]
    weights: tuple[float, ...]
    low: float
    high: float

    @property
    def name(self) -> str:
        """``disparate_impact_ratio of sex: female beside male``."""
        return f"{self.metric} of {self.attribute}: {self.group} beside {self.against}"


@dataclass(frozen=True, eq=False)
class Tally:
    """What R rates or means rest on; each ``(R,)`` float64.

    `rows` were counted, `total` is the sum of their values in [0, 1] (of those with yes, in a
    rate), `squares` the sum of the values' squares (in a rate `total` again).
    """

    rows: NDArray[np.float64]
    total: NDArray[np.float64]
    squares: NDArray[np.float64]


class Compared(Protocol):
    """A table of sums, and what is compared by it. Frozen."""

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Always the same, in the same order; none twice under two names."""
        ...

    def tally(self, sums: Sums) -> Tally:
        """What its rates rest on in these sums; those of two sums add up."""
        ...
