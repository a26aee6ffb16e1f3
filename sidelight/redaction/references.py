"""Reference rows as the logger would write them, so that both sides of a comparison are alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.capturing.redact import RedactSettings
from sidelight.config.settings import ModelSettings, Settings
from sidelight.redaction.changes import ColumnChange, leaves
from sidelight.redaction.rules import Rules, folded
from sidelight.tensors import Column, Columns


def as_logged(settings: Settings) -> Settings:
    """Each model with all rules for its columns in its own `redact`, without those it drops."""
    everyones = settings.logger.redact
    models = {name: _as_logged(model, everyones) for name, model in settings.models.items()}
    return settings.model_copy(update={"models": models})


def redacted_columns(table: Columns, rules: Rules) -> Columns:
    """The rows under the rules of columns; a column that is dropped is missing.

    What becomes of a number is a double, NaN where nothing is kept.
    """
    found = (_column(column, rules.of(column.name)) for column in table)
    return Columns(tuple(one for one in found if one is not None), table.parameters)


def _as_logged(model: ModelSettings, everyones: RedactSettings) -> ModelSettings:
    own = model.redact or RedactSettings()
    columns = {**everyones.columns, **own.columns}
    if not columns:
        return model
    key_file = own.key_file or everyones.key_file
    dropped = {folded(name) for name, rule in columns.items() if rule.action == "drop"}
    kept: dict[str, Mapping[str, Any]] = {
        side: {n: one for n, one in getattr(model, side).items() if folded(n) not in dropped}
        for side in ("features", "outputs")
    }
    redact = own.model_copy(update={"columns": columns, "key_file": key_file})
    return model.model_copy(update={**kept, "redact": redact})


def _column(column: Column, rule: ColumnChange | None) -> Column | None:
    if rule is None:
        return column
    if rule.drops:
        return None
    there = np.ones(column.values.shape, bool) if column.valid is None else column.valid
    cells = [
        leaves(cell, rule.change) if known else None
        for cell, known in zip(column.values.ravel().tolist(), there.ravel().tolist(), strict=True)
    ]
    values, valid = _values(column, cells)
    return Column(column.name, values, valid, column.parameters)


def _values(column: Column, cells: list[Any]) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    shape = column.values.shape
    valid = np.array([cell is not None for cell in cells], bool).reshape(shape)
    if column.kind in ("number", "boolean"):
        values: NDArray[Any] = np.array(cells, np.float64)
    else:
        values = np.empty(len(cells), object)
        values[:] = ["" if cell is None else cell for cell in cells]
    return values.reshape(shape), None if valid.all() else valid
