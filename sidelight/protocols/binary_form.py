"""Columns as the tensors that binary tensors and gRPC carry, where JSON needs other forms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from sidelight.errors import DataMismatch
from sidelight.protocols.datatypes import datatype_of
from sidelight.protocols.tensor import Tensor, refuse_mixed, standing, tensor_from
from sidelight.tensors import Column


def binary_tensor_from(column: Column) -> Tensor:
    """The column as a tensor without nulls: ``(n,)`` becomes ``(n, 1)``.

    Infinities and FP16 are carried, a null among floats as NaN; any other null raises
    `DataMismatch`, as do values without a datatype. Bytes go as they are, or as base64 where the
    column's content type says so; times go as ISO 8601 text.
    """
    whole = _without_nulls(column)
    if whole.kind in ("number", "boolean"):
        return _tensor(whole, datatype_of(whole.values, whole.name).name, ())
    if whole.kind == "bytes" and whole.parameters.get("content_type") != "base64":
        refuse_mixed(whole)
        return _tensor(whole, "BYTES", ("np", "pd"))
    return tensor_from(whole)


def _tensor(column: Column, datatype: str, content_types: tuple[str, ...]) -> Tensor:
    """The values as they are; a content type that tells of another form is left out."""
    kept = dict(column.parameters)
    if kept.get("content_type") not in content_types:
        kept.pop("content_type", None)
    return Tensor(column.name, datatype, standing(column.values), None, kept)


def _without_nulls(column: Column) -> Column:
    absent: Any = ~column.valid if column.valid is not None else np.zeros((), bool)
    if column.kind == "time":
        absent = absent | np.isnat(column.values)
    if not absent.any():
        return replace(column, valid=None)
    if column.values.dtype.kind != "f":
        raise DataMismatch(
            f"column {column.name!r} holds {int(absent.sum())} nulls, which a binary {column.kind} "
            "cannot say; send JSON, or numbers as floats"
        )
    values = column.values.copy()
    values[absent] = np.nan
    return replace(column, values=values, valid=None)
