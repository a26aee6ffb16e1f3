"""The shape of the bulk of some points, whatever the rest of them is.

Peter Rousseeuw, Katrien Van Driessen: "A Fast Algorithm for the Minimum Covariance Determinant
Estimator", Technometrics 41, 1999. Its random starts are replaced by fixed ones, after Mia Hubert,
Peter Rousseeuw, Tim Verdonck: "A Deterministic Algorithm for Robust Location and Scatter",
Journal of Computational and Graphical Statistics 21, 2012.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

Points = NDArray[np.float64]

BULK = 0.75
"""Share of the points that make the bulk: up to a quarter of the reference may be anything."""

RIDGE = 1e-3
"""Added to every variance, in squared units of scaled columns: where the bulk has none, a little
distance is not endless."""

MOST_POINTS = 20_000
"""A bulk is found among so many points at most."""

MOST_STEPS = 50
"""Concentration steps; they end sooner, where the chosen points no longer change."""

ROWS_AT_ONCE = 16
"""Rows of one matrix product, always so many: a row's product does not depend on its neighbours."""


@dataclass(frozen=True, eq=False)
class Ellipsoid:
    """Centre ``(d,)`` and inverse covariance ``(d, d)``; a row's score is its squared distance."""

    centre: NDArray[np.float64]
    precision: NDArray[np.float64]

    def scores(self, points: Points) -> NDArray[np.float64]:
        """Squared Mahalanobis distances, ``(n,)``."""
        return np.asarray(np.maximum(self.shares(points).sum(axis=1), 0.0))

    def shares(self, points: Points) -> NDArray[np.float64]:
        """Each coordinate's part of the squared distance, ``(n, d)``; they add up to it.

        ``(x - m)_j (P (x - m))_j``: below zero where the coordinate makes others less strange.
        """
        away = points - self.centre
        rows, width = away.shape
        padded = np.zeros((-(-rows // ROWS_AT_ONCE), ROWS_AT_ONCE, width))
        padded.reshape(-1, width)[:rows] = away
        away *= (padded @ self.precision).reshape(-1, width)[:rows]
        return away

    def pack(self) -> dict[str, NDArray[Any]]:
        return {"centre": self.centre, "precision": self.precision}

    @classmethod
    def unpack(cls, arrays: Mapping[str, NDArray[Any]]) -> Ellipsoid:
        return cls(arrays["centre"], arrays["precision"])


def bulk_of(points: Points) -> Ellipsoid:
    """The smallest ellipsoid that deterministic starts find around `BULK` of the points.

    Parameters
    ----------
    points:
        Shape ``(n, d)``, finite, columns of like scale.
    """
    some = points[:: -(-len(points) // MOST_POINTS)]
    size = min(len(some), max(round(BULK * len(some)), (len(some) + some.shape[1] + 1) // 2))
    found = [_concentrated(some, start, size) for start in _starts(some, size)]
    centre, covariance = min(found, key=lambda one: float(np.linalg.slogdet(one[1])[1]))
    # As wide as a normal population's covariance that has the same median distance.
    typical = float(np.median(_squared(some, centre, covariance)))
    covariance *= max(typical, 1e-9) / (2 * gammaincinv(some.shape[1] / 2, 0.5))
    precision = np.linalg.inv(covariance)
    return Ellipsoid(centre, (precision + precision.T) / 2)


def _moments(points: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    centre = points.mean(axis=0)
    away = points - centre
    return centre, away.T @ away / len(points) + RIDGE * np.eye(points.shape[1])


def _squared(points: Points, centre: Points, covariance: Points) -> NDArray[np.float64]:
    away = points - centre
    return np.asarray((away * np.linalg.solve(covariance, away.T).T).sum(axis=1))


def _starts(points: Points, size: int) -> Iterator[NDArray[np.intp]]:
    """Points in whose choice outliers have little say: the nearest, and those nearest along the
    axes of two correlations that hold far points down."""
    away = points - np.median(points, axis=0)
    norms = np.sqrt((away**2).sum(axis=1))
    yield np.argsort(norms, kind="stable")[:size]
    for tamed in (np.tanh(away), away / np.maximum(norms, 1e-12)[:, None]):
        turned = away @ np.linalg.eigh(tamed.T @ tamed / len(tamed))[1]
        spread = np.median(np.abs(turned), axis=0) ** 2 + RIDGE
        yield np.argsort((turned**2 / spread).sum(axis=1), kind="stable")[:size]


def _concentrated(
    points: Points, chosen: NDArray[np.intp], size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The moments of the nearest points to the moments of the nearest points to ..."""
    centre, covariance = _moments(points[chosen])
    for _ in range(MOST_STEPS):
        before = chosen
        chosen = np.sort(np.argsort(_squared(points, centre, covariance), kind="stable")[:size])
        if np.array_equal(before, chosen):
            break
        centre, covariance = _moments(points[chosen])
    return centre, covariance
