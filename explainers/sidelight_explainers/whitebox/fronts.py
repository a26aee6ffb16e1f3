"""What a model does to a row before its last step, feature by feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from sidelight_explainers.whitebox.reading import Floats, Ints

ONE_TO_ONE = (
    MaxAbsScaler,
    MinMaxScaler,
    OrdinalEncoder,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
"""Steps of which each column depends on one column of what they are given, in the same order."""


@dataclass(frozen=True, eq=False)
class Front:
    """The steps before the last one; `owners` (t,) says which input each column comes from."""

    steps: Pipeline | None
    owners: Ints

    def table(self, given: Any) -> Floats:
        """Rows (r, t) as the last step takes them."""
        made = given if self.steps is None else self.steps.transform(given)
        dense = made.toarray() if hasattr(made, "toarray") else made
        return np.asarray(dense, np.float64)


def peeled(model: Any, inputs: int) -> tuple[Front, Any] | None:
    """The steps of a model that takes so many inputs, and its last one.

    None when a step mixes inputs, or is not known not to.
    """
    if not isinstance(model, Pipeline):
        return Front(None, np.arange(inputs)), model
    if len(model) == 1:
        return peeled(model[-1], inputs)
    owners = _owners(model[:-1], np.arange(inputs))
    return None if owners is None else (Front(model[:-1], owners), model[-1])


def _owners(step: Any, owners: Ints) -> Ints | None:
    """Whose the columns are that a fitted step makes of columns of these owners."""
    if step == "passthrough" or isinstance(step, ONE_TO_ONE):
        return owners
    if isinstance(step, Pipeline):
        return _through(step, owners)
    if isinstance(step, ColumnTransformer):
        return _beside(step, owners)
    if isinstance(step, OneHotEncoder):
        return _one_hot(step, owners)
    if isinstance(step, SimpleImputer) and not step.add_indicator:
        return owners if len(step.get_feature_names_out()) == len(owners) else None
    return None


def _through(steps: Pipeline, owners: Ints) -> Ints | None:
    known: Ints | None = owners
    for _, step in steps.steps:
        known = None if known is None else _owners(step, known)
    return known


def _beside(step: ColumnTransformer, owners: Ints) -> Ints | None:
    made = np.full(max(part.stop for part in step.output_indices_.values()), -1)
    for name, part, columns in step.transformers_:
        whose = _owners(part, owners[_positions(step, columns)]) if part != "drop" else owners[:0]
        where = step.output_indices_[name]
        if whose is None or len(whose) != where.stop - where.start:
            return None
        made[where] = whose
    return made


def _positions(step: ColumnTransformer, columns: Any) -> Any:
    names = [columns] if isinstance(columns, str) else columns
    if isinstance(names, slice) or not len(names) or not isinstance(names[0], str):
        return names
    known = list(step.feature_names_in_)
    return [known.index(name) for name in names]


def _one_hot(step: OneHotEncoder, owners: Ints) -> Ints | None:
    if step.min_frequency is not None or step.max_categories is not None:
        return None
    dropped = step.drop_idx_ if step.drop_idx_ is not None else [None] * len(owners)
    widths = [
        len(known) - (drop is not None)
        for known, drop in zip(step.categories_, dropped, strict=True)
    ]
    return np.repeat(owners, widths)
