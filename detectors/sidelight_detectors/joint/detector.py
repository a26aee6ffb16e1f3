"""All columns of a window together: the detector `joint`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.joint import JointSettings
from sidelight.errors import ConfigError, NotEnoughData
from sidelight_detectors.cells import CellIndex, Counts
from sidelight_detectors.contract import Observation, Packed
from sidelight_detectors.grid import Grid
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.joint.correlation import (
    CorrelationTest,
    Products,
    fit_correlation,
    fit_products,
)
from sidelight_detectors.joint.discrepancy import DiscrepancyTest, fit_discrepancy
from sidelight_detectors.joint.embedding import Embedding, fit_embedding, median_distance
from sidelight_detectors.joint.findings import JointFinding
from sidelight_detectors.joint.fourier import FourierFeatures, fourier_features
from sidelight_detectors.joint.permutation import PermutationTest, permutation_mmd
from sidelight_detectors.packing import integers
from sidelight_detectors.spending import spend
from sidelight_detectors.split import shuffled
from sidelight_detectors.summary import Summary

if TYPE_CHECKING:
    from sidelight_detectors.parts import Reference

MIN_ROWS = 50
"""Complete rows a window needs: below, the laws of both statistics are far from normal."""

MAX_ORDERED = 128
"""Columns with an order whose pairs are watched: more have more than 8,128 pairs."""

SEED = 0
"""Of the projections: equal in every process, and nothing a user gains from choosing."""


@dataclass(frozen=True, eq=False)
class JointDetector:
    """MMD by random Fourier features and correlations, both from sums over complete rows.

    Parameters
    ----------
    counts:
        Flat counts of the reference in the grid's cells: what the scores of cells follow from.
    places:
        Which columns of the grid take part.
    median:
        Median squared distance of reference rows; the kernel's width.
    mmd, correlation:
        What the reference's complete rows gave.
    sample:
        Cells of some of them, ``(r, F')``, for permutation tests; no row when not asked for.
    """

    grid: Grid
    counts: Counts
    places: tuple[int, ...]
    median: int
    mmd: DiscrepancyTest
    correlation: CorrelationTest
    sample: CellIndex
    settings: JointSettings

    @property
    def size(self) -> int:
        """Complete rows, then sums of features, then sums of scores and their products."""
        return 1 + self.features.size + self.products.size

    def observe(self, rows: Indexed) -> Observation:
        own = self.embedding.complete(rows.cells)
        sums = [np.array([len(own)]), self.features.sums(own), self.products.sums(own)]
        return Observation(np.concatenate(sums).astype(np.int64, copy=False))

    def judge(self, summary: Summary, number: int) -> JointFinding:
        """MMD and the worst pairs; they share what the window may spend."""
        complete, features, products = np.split(summary.sums["joint"], [1, 1 + self.features.size])
        rows = int(complete[0])
        if rows < MIN_ROWS:
            raise NotEnoughData(
                f"window {number} has {rows} rows in which every column was observed; "
                f"at least {MIN_ROWS} are needed"
            )
        alpha = spend(self.settings.false_alarms, number)
        threshold = alpha / (2 if self.products.size else 1)
        found = self.mmd.compare(features, rows)
        changes = self.correlation.compare(products, rows)
        allowed = self.settings.correlation_tolerance
        return JointFinding(
            rows,
            self.mmd.rows,
            number,
            alpha,
            threshold,
            found.statistic,
            found.p_value,
            found.effect,
            found.low,
            found.high,
            self.settings.tolerance,
            allowed,
            changes.worst(self.settings.pairs, threshold, allowed),
        )

    def permuted(self, rows: Indexed) -> PermutationTest | None:
        """The exact test of these rows (some, drawn at random, when they are many).

        None when it was not asked for, or fewer than `MIN_ROWS` rows are complete.
        """
        own = self.embedding.complete(rows.cells)
        own = own[shuffled(len(own))[: self.settings.rows]]
        if not len(self.sample) or len(own) < MIN_ROWS:
            return None
        points = self.embedding.points(np.concatenate([self.sample, own]))
        reference, window = np.split(points, [len(self.sample)])
        return permutation_mmd(reference, window, self.settings.permutations, SEED)

    @property
    def promise(self) -> str:
        """What is promised about false alarms, and what it rests on."""
        return (
            f"The chance that any alarm of all columns together ever raised on this model version "
            f"is false is at most {self.settings.false_alarms:g}, as long as rows are drawn "
            f"independently and like the reference's, and as far as normal laws hold for means "
            f"over a window (checked by simulation from {MIN_ROWS} rows on: at p = 0.0001 up to "
            f"twice as many). Window k spends 6/(pi k)^2 of it."
        )

    def pack(self) -> Packed:
        header = {
            "places": list(self.places),
            "median": self.median,
            "rows": self.mmd.rows,
            "settings": self.settings.model_dump(mode="json"),
        }
        sums = {"mmd": self.mmd.sums, "products": self.correlation.sums}
        arrays: dict[str, NDArray[Any]] = {"counts": self.counts, "sample": self.sample, **sums}
        # Eigenvalues and moments: their last bits come from the platform.
        derived = {"variances": self.mmd.variances, "spreads": self.correlation.variances}
        return Packed(header, arrays, derived)

    @cached_property
    def embedding(self) -> Embedding:
        return fit_embedding(self.grid, self.counts, self.places)

    @cached_property
    def features(self) -> FourierFeatures:
        return fourier_features(self.embedding, self.median, self.settings.projections, SEED)

    @cached_property
    def products(self) -> Products:
        return products_of(self.grid, self.counts, self.embedding, self.settings)


def products_of(
    grid: Grid, counts: Counts, embedding: Embedding, settings: JointSettings
) -> Products:
    """What correlations need; of no column when they are not asked for."""
    if not settings.pairs:
        return Products((), (), ())
    products = fit_products(grid, counts, embedding)
    if len(products.names) > MAX_ORDERED:
        raise ConfigError(
            f"detectors.joint: {len(products.names)} columns have correlations, at most "
            f"{MAX_ORDERED} can be watched; name some under 'columns', or set 'pairs: 0'"
        )
    return products


def fit_joint(reference: Reference) -> JointDetector | None:
    """Raises `NotEnoughData` when too few reference rows are complete."""
    settings = reference.model.detectors.joint
    if settings is None:
        return None
    grid = reference.grid
    places = _places(grid, settings)
    counts = grid.count(reference.rows.cells)
    embedding = fit_embedding(grid, counts, places)
    own = embedding.complete(reference.rows.cells)
    if len(own) < MIN_ROWS:
        raise NotEnoughData(f"detectors.joint needs {MIN_ROWS} reference rows, found {len(own)}")
    median = median_distance(embedding, own)
    features = fourier_features(embedding, median, settings.projections, SEED)
    products = products_of(grid, counts, embedding, settings)
    kept = settings.rows if settings.method == "permutation" else 0
    return JointDetector(
        grid,
        counts,
        places,
        median,
        fit_discrepancy(features, own),
        fit_correlation(products, own),
        own[shuffled(len(own))[:kept]],
        settings,
    )


def unpack_joint(packed: Packed, grid: Grid, features: int) -> JointDetector:
    header, arrays, derived = packed.header, packed.arrays, packed.derived
    settings = JointSettings.model_validate(header["settings"])
    counts = integers(arrays["counts"], grid.size)
    places, rows = tuple(map(int, header["places"])), int(header["rows"])
    products = products_of(grid, counts, fit_embedding(grid, counts, places), settings)
    mmd = DiscrepancyTest(
        _sums(arrays["mmd"], 2 * settings.projections), rows, derived["variances"]
    )
    spreads = derived["spreads"]
    correlation = CorrelationTest(
        products.names, _sums(arrays["products"], products.size), rows, spreads
    )
    sample = arrays["sample"].astype(np.int32).reshape(-1, len(places))
    return JointDetector(
        grid, counts, places, int(header["median"]), mmd, correlation, sample, settings
    )


def _places(grid: Grid, settings: JointSettings) -> tuple[int, ...]:
    unknown = [name for name in settings.columns if name not in grid.names]
    if unknown:
        raise ConfigError(
            f"detectors.joint.columns: {unknown[0]!r} is not watched; "
            f"watched are {', '.join(grid.names)}"
        )
    names = settings.columns or grid.names
    return tuple(grid.names.index(name) for name in names)


def _sums(array: NDArray[Any], length: int) -> NDArray[np.int64]:
    if array.dtype != np.int64 or array.shape != (length,):
        raise ValueError(f"expected {length} whole numbers, found {array.dtype} {array.shape}")
    return array
