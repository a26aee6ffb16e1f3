"""Whether small causes have small effects: other seeds, and rows close by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from sidelight_explainers.evaluation.worth import Floats

TOP = 3
"""Players that a reader remembers."""


@dataclass(frozen=True)
class Stability:
    """Over several explanations of one row.

    `spread` is the standard deviation of the amounts around their mean, as a share of the mean's
    length (0: always the same). `top` is the mean overlap of the `TOP` largest between two of
    them, from 0 to 1. None where there is nothing to compare.
    """

    spread: float | None
    top: float | None


def stability(told: Sequence[Floats]) -> Stability:
    """Of amounts (p,) that differ only in their seed."""
    table = np.stack(told)
    size = float(np.linalg.norm(table.mean(axis=0)))
    spread = float(np.sqrt(table.var(axis=0).sum())) / size if size > 0 else None
    tops = [set(np.argsort(-np.abs(one), kind="stable")[:TOP].tolist()) for one in table]
    shares = [len(one & other) / len(one | other) for one, other in combinations(tops, 2) if one]
    return Stability(spread, float(np.mean(shares)) if shares else None)


def max_sensitivity(told: Floats, close_by: Sequence[Floats]) -> float | None:
    """The largest change of the amounts on rows close by, as a share of their length.

    Yeh et al. (NeurIPS 2019), definition 2, divided by the length of the amounts; sampled, so a
    lower bound. None where there is nothing to compare.
    """
    size = float(np.linalg.norm(told))
    changes = [float(np.linalg.norm(one - told)) for one in close_by]
    return max(changes) / size if changes and size > 0 else None
