"""Which number of a predictor's answer is explained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import DataMismatch, PredictorError
from sidelight.tensors import Column, Columns, split_index, split_label


@dataclass(frozen=True, eq=False)
class Output:
    """One number a row: its name as it was chosen, and its values (r,)."""

    name: str
    values: NDArray[np.float64]


def choose_output(answer: Columns, wanted: str | None) -> Output:
    """The number `wanted` names: ``"score"``, or ``"probability[1]"`` of several numbers a row.

    None is the first output. Without an index, of two numbers a row (the probabilities of no and
    yes) the second is taken, of more the one that is largest in the first row, which is the
    explained one. ``"label=yes"`` is 1 where that output says yes, else 0; an output of words that
    is named without one is held to what it says of the first row. Raises `DataMismatch` for an
    output that is not there or holds nothing of the kind, `PredictorError` for one that is null or
    not finite.
    """
    column, index = _column(answer, wanted)
    label = None if wanted is None or wanted in answer else split_label(wanted)[1]
    if label is not None or (wanted is not None and column.kind in ("string", "bytes")):
        return _one_of(column, index, label)
    if column.kind not in ("number", "boolean"):
        raise DataMismatch(
            f"output {column.name!r} holds {column.kind}s; set predictor.output to one with numbers"
            f" among {list(answer.names)}, or to {column.name}=CLASS"
        )
    if column.values.ndim > 2:
        raise DataMismatch(
            f"output {column.name!r} has shape {column.values.shape}; (n,) or (n, k)"
        )
    table = column.values.reshape(len(column), -1).astype(np.float64)
    width = table.shape[1]
    chosen = _default_index(table) if index is None else index
    if chosen >= width:
        raise DataMismatch(f"output {column.name!r} has {width} number(s) a row, no [{chosen}]")
    _check(column, table[:, chosen], chosen)
    name = f"{column.name}[{chosen}]" if width > 1 else column.name
    return Output(name, table[:, chosen])


def choose_column(answer: Columns, wanted: str | None) -> Column:
    """The output that `wanted` names, whatever it holds; None is the first."""
    return _column(answer, wanted)[0]


def _column(answer: Columns, wanted: str | None) -> tuple[Column, int | None]:
    if not answer.columns:
        raise PredictorError("the predictor's answer has no output")
    if wanted is None:
        return answer.columns[0], None
    if wanted in answer:
        return answer[wanted], None
    name, index = split_index(split_label(wanted)[0])
    if name in answer:
        return answer[name], index
    raise DataMismatch(
        f"no output {wanted!r}; the predictor gives {list(answer.names)} (predictor.output asks it"
        " for another)"
    )


def _one_of(column: Column, index: int | None, label: str | None) -> Output:
    """Whether each row's label is that one; None is the first row's."""
    if column.values.ndim > 2 or column.kind == "time":
        raise DataMismatch(
            f"output {column.name!r} ({column.kind}s of shape {column.values.shape}) is no label"
        )
    table = column.values.reshape(len(column), -1)
    chosen = index or 0
    if chosen >= table.shape[1]:
        raise DataMismatch(
            f"output {column.name!r} has {table.shape[1]} label(s) a row, no [{chosen}]"
        )
    if column.valid is not None and not column.valid.reshape(table.shape)[:, chosen].all():
        raise PredictorError(f"output {column.name!r} is null in some rows")
    words = [word(one) for one in table[:, chosen].tolist()]
    told = words[0] if label is None else label
    name = column.name if table.shape[1] == 1 else f"{column.name}[{chosen}]"
    return Output(f"{name}={told}", np.array([word == told for word in words], np.float64))


def word(label: str | bytes | bool | float) -> str:
    """As people write it: true, 7 (also where JSON made it 7.0), the text itself."""
    if isinstance(label, bytes):
        return label.decode("utf-8", "replace")
    if isinstance(label, bool):
        return str(label).lower()
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)


def _default_index(table: NDArray[np.float64]) -> int:
    return 1 if table.shape[1] == 2 else int(np.argmax(table[0]))


def _check(column: Column, values: NDArray[np.float64], index: int) -> None:
    known = np.isfinite(values)
    if column.valid is not None:
        known &= column.valid.reshape(len(column), -1)[:, index]
    if not known.all():
        count = int((~known).sum())
        raise PredictorError(
            f"output {column.name!r} is null or not finite in {count} of {len(values)} rows"
        )
