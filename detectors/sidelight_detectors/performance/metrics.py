"""Metrics of a classifier from an expected confusion matrix, each with bounds.

Every metric but the AUC is a share of rows, or follows from one, so its bounds are Wilson's (1927)
for that share; those of the AUC are by Hanley and McNeil (Radiology 143, 1982).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

METRICS = ("accuracy", "precision", "recall", "f1", "roc_auc")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric in [0, 1] and its bounds; NaN, 0 and 1 where no row could speak for it."""

    value: float
    low: float
    high: float


def shares(confusion: NDArray[np.float64]) -> dict[str, tuple[NDArray[np.float64], ...]]:
    """For accuracy, precision, recall and f1: hits and rows, one entry a class.

    Parameters
    ----------
    confusion:
        Shape ``(k, k)``: rows by answered class, then by true class. With two classes the second is
        the positive one, and only it has precision, recall and f1; with more the metric is the mean
        over classes. For f1 hits and rows are of Jaccard's share J, and f1 = 2J / (1 + J).
    """
    classes = slice(1, 2) if len(confusion) == 2 else slice(None)
    hits = np.diag(confusion)[classes]
    answered, true = confusion.sum(axis=1)[classes], confusion.sum(axis=0)[classes]
    whole = (np.array([np.trace(confusion)]), np.array([confusion.sum()]))
    return {
        "accuracy": whole,
        "precision": (hits, answered),
        "recall": (hits, true),
        "f1": (hits, answered + true - hits),
    }


def estimates(
    confusion: NDArray[np.float64], areas: list[tuple[float, float, float]], weight: float, z: float
) -> dict[str, Estimate]:
    """All metrics.

    Parameters
    ----------
    areas:
        AUC of each class, with its positive and negative rows (`area`).
    weight:
        What a row counts for in bounds, at most 1: the reference is finite too.
    z:
        Normal quantile of the bounds.
    """
    found = {}
    for name, (hits, rows) in shares(confusion).items():
        ends = [wilson(h, r, weight, z) for h, r in zip(hits, rows, strict=True)]
        if name == "f1":
            ends = [Estimate(*(2 * j / (1 + j) for j in (e.value, e.low, e.high))) for e in ends]
        found[name] = _mean(ends)
    found["roc_auc"] = _mean([_hanley(*one, weight, z) for one in areas])
    return found


def area(rows: NDArray[np.float64], positive: NDArray[np.float64]) -> tuple[float, float, float]:
    """AUC of a score from rows and positive rows in its ordered values; both kinds' rows."""
    negative = rows - positive
    total = float(positive.sum()), float(negative.sum())
    if min(total) <= 0:
        return float("nan"), *total
    below = np.cumsum(negative) - negative / 2
    return float((positive * below).sum() / (total[0] * total[1])), *total


def wilson(hits: float, rows: float, weight: float, z: float) -> Estimate:
    """A share of rows that count for `weight` each; its score interval."""
    if rows <= 0:
        return Estimate(float("nan"), 0.0, 1.0)
    share, n = float(hits / rows), float(rows * weight)
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    margin = z / (1 + z**2 / n) * sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return Estimate(share, max(middle - margin, 0.0), min(middle + margin, 1.0))


def _hanley(value: float, positive: float, negative: float, weight: float, z: float) -> Estimate:
    if value != value:
        return Estimate(value, 0.0, 1.0)
    first, second = value / (2 - value), 2 * value**2 / (1 + value)
    spread = value * (1 - value) + (positive * weight - 1) * (first - value**2)
    spread += (negative * weight - 1) * (second - value**2)
    margin = z * sqrt(max(spread, 0.0) / (positive * negative * weight**2))
    return Estimate(value, max(value - margin, 0.0), min(value + margin, 1.0))


def _mean(ends: list[Estimate]) -> Estimate:
    """Of classes; their errors taken to go together, which is rather too wide."""
    values = np.array([[end.value, end.low, end.high] for end in ends])
    return Estimate(*map(float, values.mean(axis=0)))
