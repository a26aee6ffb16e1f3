"""What a model's columns are called, in their order: nameless values are told apart by it."""

from __future__ import annotations

from sidelight.config.references import is_fitted
from sidelight.config.settings import ModelSettings
from sidelight.errors import ArtifactError


def wide_of(model: ModelSettings) -> tuple[str, ...]:
    """Columns with many values a row; of outputs that may be so whatever their kind."""
    wide = (name for name, one in model.features.items() if one.kind in ("image", "tensor"))
    return (*wide, *model.outputs)


def names_of(model: ModelSettings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Inputs, outputs: as declared; inputs that are not are the reference's columns.

    Empty where nobody says.
    """
    outputs = tuple(model.outputs)
    if model.features or model.reference is None:
        return tuple(model.features), outputs
    if not model.reference.is_file() or is_fitted(model.reference):
        return (), outputs
    try:
        from sidelight.tables import column_names
    except ModuleNotFoundError:
        return (), outputs
    try:
        found = column_names(model.reference)
    except ArtifactError:
        return (), outputs
    return tuple(name for name in found if name not in model.outputs), outputs
