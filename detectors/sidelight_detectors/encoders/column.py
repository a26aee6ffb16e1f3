"""One column's encoders: fitted, stored, and its features as columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.encoding import EncodeSettings
from sidelight.config.detecting.features import FeatureSettings
from sidelight.errors import DataMismatch, NotEnoughData
from sidelight.tensors import Column
from sidelight_detectors.contract import Packed
from sidelight_detectors.encoders.contract import Encoder, Rows
from sidelight_detectors.encoders.image_statistics import (
    fit_image_statistics,
    unpack_image_statistics,
)
from sidelight_detectors.encoders.linear import unpack_linear
from sidelight_detectors.encoders.onnx_encoder import fit_onnx, unpack_onnx
from sidelight_detectors.encoders.pca import fit_pca
from sidelight_detectors.encoders.random_projection import fit_random_projection
from sidelight_detectors.encoders.tensor_form import TensorForm, tensor_form, unpack_tensor_form
from sidelight_detectors.encoders.text_form import TextForm
from sidelight_detectors.encoders.text_statistics import (
    fit_text_statistics,
    unpack_text_statistics,
)
from sidelight_detectors.encoders.tfidf import fit_tfidf, unpack_tfidf

Form = TensorForm | TextForm

MIN_TEACHING = 16
"""Rows that are there, which an encoder needs to learn from."""


@dataclass(frozen=True, eq=False)
class EncodedColumn:
    """A column of images, tensors or texts, and what it becomes."""

    form: Form
    encoders: Mapping[str, Encoder]

    @property
    def name(self) -> str:
        return self.form.name

    @property
    def names(self) -> tuple[str, ...]:
        """Of the feature columns: ``picture.mean``, ``picture.pca0`` ..."""
        features = (one for encoder in self.encoders.values() for one in encoder.names)
        return tuple(f"{self.name}.{feature}" for feature in features)

    def encode(self, column: Column) -> tuple[Column, ...]:
        """A numeric column for each feature; null in rows that are null or not all numbers.

        Raises
        ------
        DataMismatch
            Another kind, shape or scale than the reference's.
        """
        rows, there = self.form.read(column)
        found = np.hstack([encoder.encode(rows) for encoder in self.encoders.values()])
        valid = None if there.all() else there
        found[~there] = np.nan
        pairs = zip(self.names, np.asfortranarray(found).T, strict=True)
        return tuple(Column(name, values, valid) for name, values in pairs)

    def pack(self) -> Packed:
        """`header` and `arrays`, those of each encoder under its method's name."""
        packed = {method: encoder.pack() for method, encoder in self.encoders.items()}
        tensor = self.form.pack() if isinstance(self.form, TensorForm) else None
        headers = [{"method": method, **one.header} for method, one in packed.items()]
        arrays = {
            f"{method}/{key}": array
            for method, one in packed.items()
            for key, array in one.arrays.items()
        }
        return Packed({"name": self.name, "tensor": tensor, "encoders": headers}, arrays)


def fit_column(column: Column, feature: FeatureSettings) -> EncodedColumn:
    """Encoders fitted on reference rows.

    Raises
    ------
    DataMismatch
        The column holds something else, or rows that are all the same.
    NotEnoughData
        Fewer than `MIN_TEACHING` rows hold something.
    ConfigError
        `shape` does not fit it.
    ArtifactError
        An encoder's file cannot be read.
    """
    asked = feature.encoding or EncodeSettings()
    form: Form = TextForm(column.name)
    if feature.kind != "text":
        form = tensor_form(column, feature)
    rows, there = form.read(column)
    if there.sum() < MIN_TEACHING:
        raise NotEnoughData(
            f"column {column.name!r}: {there.sum()} of its {len(there)} rows that teach its "
            f"encoders hold something, at least {MIN_TEACHING} must"
        )
    known = _chosen(rows, there)
    try:
        return EncodedColumn(form, {one: _fit(one, known, form, asked) for one in asked.methods})
    except DataMismatch as exc:
        raise DataMismatch(f"column {column.name!r}: {exc}") from exc


def _chosen(rows: Rows, there: NDArray[np.bool_]) -> Rows:
    if isinstance(rows, list):
        return [row for row, is_there in zip(rows, there, strict=True) if is_there]
    return rows[there]


def _fit(method: str, rows: Rows, form: Form, asked: EncodeSettings) -> Encoder:
    shape = form.shape if isinstance(form, TensorForm) else None
    if method == "pca" and asked.pca:
        return fit_pca(rows, asked.pca.components)
    if method == "projection" and asked.projection:
        return fit_random_projection(rows, asked.projection.components, asked.projection.seed)
    if method == "tfidf" and asked.tfidf:
        return fit_tfidf(rows, asked.tfidf.components, asked.tfidf.buckets)
    if method == "onnx" and asked.onnx:
        return fit_onnx(rows, asked.onnx, shape)
    return fit_text_statistics(rows) if shape is None else fit_image_statistics(rows, shape)


_UNPACKING: Mapping[str, Callable[[Packed], Encoder]] = {
    "pca": unpack_linear,
    "projection": unpack_linear,
    "tfidf": unpack_tfidf,
    "onnx": unpack_onnx,
}


def unpack_column(packed: Packed) -> EncodedColumn:
    """Reads `EncodedColumn.pack`; `KeyError`, `ValueError` or `TypeError` on anything else."""
    name, tensor = str(packed.header["name"]), packed.header["tensor"]
    form: Form = TextForm(name) if tensor is None else unpack_tensor_form(name, tensor)
    statistics = unpack_text_statistics if tensor is None else unpack_image_statistics
    unpacking: Mapping[str, Any] = {"statistics": statistics, **_UNPACKING}
    return EncodedColumn(
        form,
        {
            method: unpacking[method](Packed(header, arrays_under(method, packed.arrays)))
            for header in packed.header["encoders"]
            for method in [header["method"]]
        },
    )


def arrays_under(name: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Those whose names begin with this one and a slash, by what follows."""
    start = f"{name}/"
    return {key[len(start) :]: array for key, array in arrays.items() if key.startswith(start)}
