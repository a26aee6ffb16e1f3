"""How precise a rule is for certain, from draws that had no part in finding it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import betaincinv, ndtri

from sidelight_explainers.anchors.world import Rule

SPARED = 25
"""A rule that is just not precise enough fails in so many of the draws that test it: then one
that fails a third as often passes nine times in ten."""
POWER = 0.9
"""A rule tested again passes so often if its share is as it looked."""


@dataclass(frozen=True, slots=True)
class Proof:
    """`hits` of `draws` fresh draws given the rule had the decision; the share of all such draws
    that have it is at least `low`, at the confidence this test was given."""

    rule: Rule
    hits: int
    draws: int
    low: float

    @property
    def precision(self) -> float:
        return self.hits / self.draws if self.draws else 0.0


def lower_bound(hits: int, draws: int, doubt: float) -> float:
    """The one-sided Clopper-Pearson bound (Biometrika 1934): whatever the true share, the bound
    is above it with probability `doubt` at most."""
    return float(betaincinv(hits, draws - hits + 1, doubt)) if hits else 0.0


def doubt_of(test: int, confidence: float) -> float:
    """What one test (0, 1, ...) may be wrong by. Those of all tests that may ever be made add up to
    ``1 - confidence``, so that they are right together with that confidence."""
    return (1 - confidence) / ((test + 1) * (test + 2))


def proving_draws(precision: float) -> int:
    """Draws that test one rule."""
    return round(SPARED / (1 - precision))


def draws_called_for(proof: Proof, precision: float, doubt: float) -> float:
    """Draws that would show that a rule has the precision if its share is as its test suggests
    (drawn towards a half, as few draws promise little); infinite when that is below."""
    share = (proof.hits + 1) / (proof.draws + 2)
    if share <= precision:
        return math.inf
    wide = float(ndtri(1 - doubt) + ndtri(POWER)) * math.sqrt(share * (1 - share))
    return (wide / (share - precision)) ** 2 + 1 / (share - precision)
