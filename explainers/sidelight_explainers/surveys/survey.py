"""The rows over which a model is explained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight.config.explaining.surveying import SurveySettings
from sidelight.errors import ConfigError, DataMismatch
from sidelight.tensors import Columns
from sidelight_explainers.subject import Subject


@dataclass(frozen=True, eq=False)
class Pool:
    """Rows of a request, of the reference or of recent traffic; `data` says which, in words."""

    rows: Columns
    data: str


def pool_of(subject: Subject, rows: Columns, options: SurveySettings) -> Pool:
    """`DataMismatch` names a column of the request that is missing or of another kind, or says that
    there are no recent rows."""
    reference = subject.rows()
    if not len(rows):
        return _recent(subject) if options.over == "recent" else Pool(reference, "the reference")
    known = rows.select(reference.names)
    for column in known:
        expected = reference[column.name].kind
        if column.is_tensor:
            shape = column.values.shape[1:]
            raise DataMismatch(
                f"feature {column.name!r} has shape {shape} in each row; send one value"
            )
        if {column.kind, expected} not in ({expected}, {"number", "boolean"}):
            raise DataMismatch(
                f"feature {column.name!r}: expected {expected}s as in the reference, got"
                f" {column.kind}s"
            )
    return Pool(known, "the request")


def _recent(subject: Subject) -> Pool:
    if subject.recent is None:
        raise DataMismatch(
            f"no recent rows of model {subject.name!r} were read when the service started; see"
            f" {subject.key}.explainers.background_from, or set 'over' to reference"
        )
    return Pool(subject.recent, "recent traffic")


def require_features(subject: Subject, method: str, settings: SurveySettings) -> None:
    """`ConfigError` names a feature of the settings that the model does not have, or says that
    there is no reference."""
    known = subject.rows().names
    for name in settings.features:
        if name not in known:
            raise ConfigError(
                f"{subject.key}.explainers.{method}.features: no feature {name!r}; there are"
                f" {list(known)[:20]}"
            )


def surveyed_features(pool: Pool, options: SurveySettings) -> tuple[str, ...]:
    """The features looked at; `DataMismatch` names one that is not there."""
    known = pool.rows.names
    for name in options.features:
        if name not in known:
            raise DataMismatch(f"no feature {name!r}; the model has {', '.join(known)}")
    return options.features or known


def surveyed_places(
    pool: Pool, options: SurveySettings, questions_a_row: int, budget: int, least: int = 2
) -> NDArray[np.intp]:
    """Numbers of random rows of the pool, in order: as many as the options allow, and the budget
    pays for when each causes so many questions.

    Raises `DataMismatch` when that is fewer than `least`, of a pool that has them.
    """
    size = len(pool.rows)
    count = min(max(options.rows, least), size, budget // questions_a_row)
    if count < min(least, size):
        raise DataMismatch(
            f"a budget of {budget} rows is too small, each row looked at needs {questions_a_row};"
            f" set at least {least * questions_a_row}, or name fewer features"
        )
    return np.sort(np.random.default_rng(options.seed).permutation(size)[:count])


def replaced(rows: Columns, name: str, values: Columns) -> Columns:
    """The rows with one column from others."""
    return Columns(tuple(values[name] if one.name == name else one for one in rows))
