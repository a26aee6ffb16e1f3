"""The 13 datatypes of the Open Inference Protocol, as numpy dtypes and as JSON types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import DataMismatch


@dataclass(frozen=True, slots=True)
class Datatype:
    """A datatype: its numpy dtype, what JSON writes it as, and what stands where a null was."""

    name: str
    dtype: np.dtype[Any]
    accepts: frozenset[type]
    takes: str
    neutral: Any


def _all() -> dict[str, Datatype]:
    found = [
        Datatype("BOOL", np.dtype(bool), frozenset({bool}), "true and false", False),
        Datatype("BYTES", np.dtype(object), frozenset({str}), "text", ""),
    ]
    for bits in (8, 16, 32, 64):
        for name, dtype in ((f"UINT{bits}", f"u{bits // 8}"), (f"INT{bits}", f"i{bits // 8}")):
            found.append(Datatype(name, np.dtype(dtype), frozenset({int}), "integers", 0))
    for bits in (16, 32, 64):
        dtype = f"f{bits // 8}"
        found.append(
            Datatype(f"FP{bits}", np.dtype(dtype), frozenset({int, float}), "numbers", np.nan)
        )
    return {datatype.name: datatype for datatype in found}


DATATYPES = _all()

_BY_DTYPE = {datatype.dtype: datatype for datatype in DATATYPES.values()}


def datatype_of(values: NDArray[Any], name: str) -> Datatype:
    """The datatype that holds these values; `DataMismatch` names the column when none does."""
    dtype = values.dtype.newbyteorder("=")
    found = DATATYPES["BYTES"] if dtype.kind in "US" else _BY_DTYPE.get(dtype)
    if found is None:
        raise DataMismatch(
            f"column {name!r}: dtype {values.dtype} has no datatype; convert to one of "
            f"{sorted(DATATYPES)}"
        )
    return found


def native(values: NDArray[Any]) -> NDArray[Any]:
    """The values contiguous and in this machine's byte order, as orjson wants them."""
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))
