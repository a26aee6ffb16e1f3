"""The reference rows that stand for 'feature absent'."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from sidelight.tensors import Columns


@dataclass(frozen=True, eq=False)
class Background:
    """Features of some reference rows in random order, and how many rows they were chosen from."""

    rows: Columns
    reference_rows: int

    def first(self, count: int) -> Columns:
        """The first rows; as they stand in random order, a random sample too."""
        return self.rows.take(slice(count))


def choose_background(
    reference: Columns, features: Iterable[str], size: int, seed: int
) -> Background:
    """At most `size` rows of the reference, chosen and ordered at random by the seed."""
    chosen = np.random.default_rng(seed).permutation(len(reference))[:size]
    return Background(reference.select(tuple(features)).take(chosen), len(reference))
