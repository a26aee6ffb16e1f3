"""Reads a model that stands in this process."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import PredictorError
from sidelight.predictors.sklearn_model import REFUSED
from sidelight.tensors import Column, Columns
from sidelight_explainers.reference.background import Background
from sidelight_explainers.whitebox.contract import Unread, WhiteBox
from sidelight_explainers.whitebox.fronts import Front, peeled
from sidelight_explainers.whitebox.last_step import Readings, readings
from sidelight_explainers.whitebox.local import Readable
from sidelight_explainers.whitebox.reader import Reader, agreeing

WITNESSES = 8
"""Background rows asked with each explained row."""


def read_box(local: Readable, background: Background) -> WhiteBox | Unread:
    """The model of a predictor in this process, with that background, or why it is not read."""
    try:
        return _read(local, background)
    except REFUSED as exc:
        return Unread(f"the model's file does not take the reference: {exc}")


def _read(local: Readable, background: Background) -> WhiteBox | Unread:
    rows = background.rows
    names = _inputs(local, rows)
    found = peeled(local.model, len(names))
    if found is None:
        return Unread("the model's file has steps that mix features, or may")
    front, last = found
    owners = np.array([rows.names.index(names[one]) for one in front.owners], np.intp)
    table = front.table(local.table(rows))
    read = readings(last, table, owners, len(rows.names))
    if read is None:
        return Unread(f"a {type(last).__name__} is neither made of trees nor linear")
    if not read:
        return Unread("the model's trees are too large to be read")
    mixed = Columns.concatenate([rows, _mixed(rows)])
    true = _agreeing(read, local, front, mixed)
    if not true:
        return Unread(
            f"the parts of a {type(last).__name__} do not add up to its predictions, but to log"
            " odds or the like"
        )
    order = np.argsort(true[max(true)].values(table), kind="stable")
    spread = order[np.linspace(0, len(rows) - 1, min(WITNESSES, len(rows))).astype(int)]
    nulls = len(_agreeing(true, local, front, _with_gaps(mixed))) == len(true)
    witnesses, seen = rows.take(spread), table[spread]
    said = {number: reading.values(seen) for number, reading in true.items()}
    return Reader(local, front, true, witnesses, said, nulls, len(rows), background.reference_rows)


def _inputs(local: Readable, rows: Columns) -> tuple[str, ...]:
    """The features in the order in which the model takes them."""
    named = tuple(str(one) for one in _names(local.model))
    return named if named and set(named) <= set(rows.names) else rows.names


def _names(model: Any) -> Any:
    """As scikit-learn, XGBoost and LightGBM keep them; they may keep none, or invented ones."""
    if hasattr(model, "feature_names_in_"):
        return model.feature_names_in_
    if hasattr(model, "feature_name"):
        return model.feature_name()
    return getattr(model, "feature_names", None) or ()


def _agreeing(read: Readings, local: Readable, front: Front, rows: Columns) -> Readings:
    """Those that give what the model itself says of the rows; none where it refuses them."""
    try:
        answer = local(rows).columns[0].values
        return agreeing(read, front.table(local.table(rows)), answer)
    except (PredictorError, *REFUSED):
        return {}


def _with_gaps(rows: Columns) -> Columns:
    """With NaN for every fifth number."""
    gaps = np.random.default_rng(1).random((len(rows.columns), len(rows))) < 0.2
    return Columns(tuple(_gapped(column, at) for column, at in zip(rows, gaps, strict=True)))


def _gapped(column: Column, gaps: NDArray[np.bool_]) -> Column:
    if column.kind != "number":
        return column
    return Column(column.name, np.where(gaps, np.nan, column.values), column.valid)


def _mixed(rows: Columns) -> Columns:
    """Rows whose features are from different rows: they come to other leaves."""
    rng = np.random.default_rng(0)
    return Columns(tuple(column.take(rng.permutation(len(rows))) for column in rows))
