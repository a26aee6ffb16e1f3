"""How rows look to alibi, and how alibi's rows look to the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import ConfigError, DataMismatch
from sidelight.tensors import Column, Columns
from sidelight_explainers.subject import Subject

Matrix = NDArray[np.float64]


class Form(Protocol):
    """One modality. `encode` raises `DataMismatch` naming the column that does not fit."""

    def encode(self, rows: Columns) -> Any:
        """Rows as alibi takes many of them: a matrix, a list of texts, an array of pictures."""
        ...

    def decode(self, rows: Any, like: Columns) -> Columns:
        """Rows that alibi asks about, as the model takes them and the explained ones came."""
        ...

    @property
    def categories(self) -> Mapping[int, tuple[Any, ...]]:
        """The values of each categorical feature, by its place."""
        ...


@dataclass(frozen=True, eq=False)
class Table:
    """Numbers as they are, categories as their place among those of the reference."""

    reference: Columns
    categories: Mapping[int, tuple[Any, ...]]

    def encode(self, rows: Columns) -> Matrix:
        columns = rows.select(self.reference.names)
        encoded = [self._encoded(at, column) for at, column in enumerate(columns)]
        return np.stack(encoded, axis=1) if len(rows) else np.empty((0, len(encoded)))

    def decode(self, rows: Any, like: Columns) -> Columns:
        return Columns(
            tuple(
                self._decoded(at, column, rows[:, at]) for at, column in enumerate(self.reference)
            )
        )

    def _encoded(self, at: int, column: Column) -> Matrix:
        if column.is_tensor:
            raise DataMismatch(f"feature {column.name!r} holds tensors, which alibi cannot explain")
        if column.valid is not None and not column.valid.all():
            raise DataMismatch(f"feature {column.name!r} is null; alibi needs a value")
        if at in self.categories:
            return _codes(column, self.categories[at])
        if column.kind not in ("number", "boolean"):
            raise DataMismatch(f"feature {column.name!r} is a {column.kind}, not a number")
        values = column.values.astype(np.float64)
        if not np.isfinite(values).all():
            raise DataMismatch(f"feature {column.name!r} is not finite; alibi needs a number")
        return values

    def _decoded(self, at: int, column: Column, values: Matrix) -> Column:
        if at in self.categories:
            known = np.array(self.categories[at], column.values.dtype)
            return Column(column.name, known[np.rint(values).astype(int).clip(0, len(known) - 1)])
        kept = values.astype(column.values.dtype)
        return Column(column.name, kept if (kept == values).all() or _is_float(kept) else values)


@dataclass(frozen=True, eq=False)
class Texts:
    feature: str
    categories: Mapping[int, tuple[Any, ...]] = field(default_factory=dict)

    def encode(self, rows: Columns) -> list[str]:
        column = rows.select((self.feature,)).columns[0]
        texts = [one.decode() if isinstance(one, bytes) else one for one in column.values.ravel()]
        for text in texts:
            if not isinstance(text, str):
                raise DataMismatch(f"feature {self.feature!r}: expected a text, got {text!r:.60}")
            if not text.strip():
                raise DataMismatch(f"feature {self.feature!r} is an empty text")
        return texts

    def decode(self, rows: Any, like: Columns) -> Columns:
        return Columns((Column(self.feature, np.array(rows, object)),))


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures with their channels last, also where the model takes a grey one without channels."""

    feature: str
    shape: tuple[int, ...] = ()
    categories: Mapping[int, tuple[Any, ...]] = field(default_factory=dict)

    def encode(self, rows: Columns) -> Matrix:
        column = rows.select((self.feature,)).columns[0]
        if column.kind not in ("number", "boolean"):
            raise DataMismatch(f"feature {self.feature!r} is a {column.kind}, not a picture")
        pictures = column.values.astype(np.float64)
        shaped = pictures.reshape(-1, *self.shape) if self.shape else pictures
        if shaped.ndim not in (3, 4):
            raise DataMismatch(
                f"feature {self.feature!r} has shape {shaped.shape[1:]} a row; expected (h, w) or"
                " (h, w, channels)"
            )
        return shaped if shaped.ndim == 4 else shaped[..., None]

    def decode(self, rows: Any, like: Columns) -> Columns:
        column = like.select((self.feature,)).columns[0]
        pictures = rows if column.values.dtype.kind == "f" else np.rint(rows)
        shaped = pictures.reshape(-1, *column.values.shape[1:]).astype(column.values.dtype)
        return Columns((Column(self.feature, shaped),))


def form_of(subject: Subject) -> Form:
    """The form of a model's rows; `ConfigError` for features that alibi cannot be given."""
    if subject.modality == "text":
        return Texts(subject.features[0])
    if subject.modality == "image":
        name = subject.features[0]
        return Pictures(name, subject.settings.features[name].shape)
    reference = subject.rows()
    return Table(reference, _categories(subject, reference))


def _categories(subject: Subject, reference: Columns) -> dict[int, tuple[Any, ...]]:
    found = {}
    for at, column in enumerate(reference):
        told = subject.settings.features.get(column.name)
        if column.kind in ("number", "boolean") and (told is None or told.kind == "numeric"):
            continue
        if column.kind == "time" or column.is_tensor:
            raise ConfigError(
                f"{subject.key}: alibi cannot be given {column.name!r} ({column.kind})"
            )
        known = set(column.values.tolist()) | set(told.categories if told else ())
        found[at] = tuple(sorted(known))
    return found


def _codes(column: Column, known: tuple[Any, ...]) -> Matrix:
    places = {value: at for at, value in enumerate(known)}
    for value in column.values.tolist():
        if value not in places:
            raise DataMismatch(f"feature {column.name!r}: the reference knows no {value!r:.60}")
    return np.array([places[value] for value in column.values.tolist()], np.float64)


def _is_float(values: NDArray[Any]) -> bool:
    return values.dtype.kind == "f"
