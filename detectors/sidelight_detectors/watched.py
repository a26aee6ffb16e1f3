"""Which columns are watched, and as what."""

from __future__ import annotations

from collections.abc import Mapping

from sidelight.config.detecting.features import FeatureSettings
from sidelight.config.settings import ModelSettings
from sidelight.errors import ConfigError
from sidelight.tensors import Column, Columns
from sidelight_detectors.cells import ColumnCells, categorical_cells, elements_of, numeric_cells
from sidelight_detectors.encoders.encoding import Encoding
from sidelight_detectors.texts import texts_of

NUMERIC = FeatureSettings(kind="numeric")
CATEGORICAL = FeatureSettings(kind="categorical")


def watched_features(reference: Columns, model: ModelSettings) -> dict[str, FeatureSettings]:
    """The configured features in their order, else what the reference's columns look like.

    Numbers become numeric, also whole ones with few values; strings and booleans categorical.
    Times and tensors are left out unless configured, and so are the outputs.
    """
    if model.features:
        return dict(model.features)
    columns = (column for column in reference if column.name not in model.outputs)
    return {
        column.name: NUMERIC if column.kind == "number" else CATEGORICAL
        for column in columns
        if column.kind != "time" and column.values.size == len(column)
    }


def named_columns(reference: Columns, model: ModelSettings) -> dict[str, FeatureSettings]:
    """What is watched as it is sent: features, then outputs."""
    features = watched_features(reference, model)
    both = [name for name in model.outputs if name in features]
    if both:
        raise ConfigError(f"{both[0]!r} is a feature and an output; a watched name must be unique")
    if not features and not model.outputs:
        raise ConfigError("the reference has no column to watch; name some under 'features'")
    return {**features, **model.outputs}


def watched(
    reference: Columns, named: Mapping[str, FeatureSettings], outputs: int, encoding: Encoding
) -> tuple[Columns, list[FeatureSettings], int]:
    """The reference's watched columns, what each is, and how many of them are features.

    Of `named` the last `outputs` are the model's answers. Encoded columns become numeric ones.
    """
    names = [*named]
    columns = encoding.encode(reference.select(names).columns, names)
    widths = encoding.widths(names)
    kinds = [
        NUMERIC if kind.encoding else kind
        for kind, width in zip(named.values(), widths, strict=True)
        for _ in range(width)
    ]
    there = tuple(column for column in columns if column is not None)
    return Columns(there), kinds, sum(widths[: len(names) - outputs])


def cells_of(column: Column, feature: FeatureSettings, limit: int | None) -> ColumnCells:
    """Cells for one reference column; `limit` as in `numeric_cells`.

    Raises `ConfigError` when no declared category occurs: every value would be the same "other".
    """
    if feature.kind == "numeric":
        return numeric_cells(column, limit)
    cells = categorical_cells(column, feature.categories)
    if feature.categories and not (cells.index(column) < cells.other).any():
        raise ConfigError(
            f"column {column.name!r}: none of its categories {list(feature.categories)} occurs in "
            f"the reference, which holds {_some_of(column)}; correct them, leave them out to take "
            "those of the reference, or declare the column numeric"
        )
    return cells


def _some_of(column: Column) -> str:
    values, valid = elements_of(column)
    present = values if valid is None else values[valid]
    texts = dict.fromkeys(map(repr, texts_of(present[:100])))
    return ", ".join([*texts][:3]) or "only nulls"
