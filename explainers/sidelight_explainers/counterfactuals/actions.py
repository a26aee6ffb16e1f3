"""Which changes are allowed."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from sidelight.config.explaining.counterfactual import CounterfactualSettings
from sidelight.errors import DataMismatch
from sidelight.tensors import Column, Columns


def check_actions(
    options: CounterfactualSettings, features: Iterable[str], ordered: frozenset[str]
) -> None:
    """`DataMismatch` names an option's feature that is not there, or has no order."""
    known = list(features)
    for name in options.immutable:
        if name not in known:
            raise DataMismatch(f"immutable: no feature {name!r}; there are {known[:20]}")
    for option in ("increase_only", "decrease_only", "ranges"):
        for name in getattr(options, option):
            if name not in known:
                raise DataMismatch(f"{option}: no feature {name!r}; there are {known[:20]}")
            if name not in ordered:
                raise DataMismatch(f"{option}: feature {name!r} is not a number; take it out")


def allowed(palette: Columns, options: CounterfactualSettings) -> NDArray[np.bool_]:
    """May a feature take the value of each palette row (m + 1, n)? The last is the row itself,
    whose values are always allowed."""
    every = np.stack([_of(column, options) for column in palette], axis=1)
    every[-1] = True
    return every


def _of(column: Column, options: CounterfactualSettings) -> NDArray[np.bool_]:
    has_direction = column.name in (*options.increase_only, *options.decrease_only)
    if column.name in options.immutable or (has_direction and not column.known()[-1]):
        return np.zeros(len(column), bool)
    lowest, highest = options.ranges.get(column.name, (None, None))
    bounded = (lowest, highest) != (None, None)
    fits = np.ones(len(column), bool)
    if lowest is not None:
        fits &= column.values >= lowest
    if highest is not None:
        fits &= column.values <= highest
    if column.name in options.increase_only:
        fits &= column.values >= column.values[-1]
    if column.name in options.decrease_only:
        fits &= column.values <= column.values[-1]
    return fits & column.known() if bounded or has_direction else fits
