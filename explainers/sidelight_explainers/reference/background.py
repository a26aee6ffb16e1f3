"""The rows that stand for 'feature absent'."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from sidelight.tensors import Columns
from sidelight_explainers.reference.medoids import medoids


@dataclass(frozen=True, eq=False)
class Background:
    """Features of some rows in random order, how many rows they were chosen from, and in words
    from what."""

    rows: Columns
    reference_rows: int
    source: str = "the reference"

    def first(self, count: int) -> Columns:
        """The first rows; as they stand in random order, a random sample too."""
        return self.rows.take(slice(count))


def choose_background(
    reference: Columns,
    features: Iterable[str],
    size: int,
    seed: int,
    source: str = "the reference",
) -> Background:
    """At most `size` rows of the reference, chosen and ordered at random by the seed."""
    chosen = np.random.default_rng(seed).permutation(len(reference))[:size]
    return Background(reference.select(tuple(features)).take(chosen), len(reference), source)


def medoid_background(
    reference: Columns, ordered: frozenset[str], size: int, seed: int
) -> Background:
    """At most `size` rows of the reference that stand for the others, in random order.

    Few of them say much, but each counts the same, so that their mean output is not the mean over
    the reference.
    """
    chosen = medoids(reference, ordered, size, seed)
    order = np.random.default_rng(seed).permutation(chosen)
    return Background(reference.take(order), len(reference), "medoids of the reference")
