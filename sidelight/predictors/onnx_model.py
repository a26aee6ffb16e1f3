"""A model in an ``.onnx`` file, run by onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NotImplemented,
    RuntimeException,
)

from sidelight.errors import ArtifactError, PredictorError
from sidelight.predictors.inputs import Inputs
from sidelight.predictors.spending import current
from sidelight.tensors import Column, Columns

ONNX_ERRORS = (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NotImplemented,
    RuntimeException,
)
DTYPES: Mapping[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
    **{f"tensor({one})": np.dtype(one) for one in ("int8", "int16", "int32", "int64")},
    **{f"tensor(u{one})": np.dtype(f"u{one}") for one in ("int8", "int16", "int32", "int64")},
}


def load_onnx(name: str, content: bytes, inputs: Inputs) -> OnnxPredictor:
    """The model in an ``.onnx`` file's bytes."""
    try:
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    except ONNX_ERRORS as exc:
        raise ArtifactError(f"model {name!r} is not a readable .onnx file: {exc}") from exc
    strange = [one.type for one in session.get_inputs() if one.type not in DTYPES]
    if strange:
        raise ArtifactError(f"model {name!r} takes {strange}; read are {sorted(DTYPES)}")
    return OnnxPredictor(name, session, inputs)


@dataclass(frozen=True)
class OnnxPredictor:
    """An ONNX session as a `Predictor`.

    A model with one input of several numbers gets all features as one matrix, any other one input
    a feature, by name. Of its outputs those with fractional numbers (probabilities) come first.
    """

    name: str
    session: Any
    inputs: Inputs

    def __call__(self, rows: Columns) -> Columns:
        current().add(len(rows))
        try:
            answers = self.session.run(None, self._feed(self.inputs.of(rows)))
        except (*ONNX_ERRORS, ValueError, TypeError) as exc:
            told = f"model {self.name!r} refused {len(rows)} rows: {exc}"
            raise PredictorError(told, status=400) from exc
        names = [one.name for one in self.session.get_outputs()]
        columns = [_output(*pair) for pair in zip(names, answers, strict=True)]
        return Columns(tuple(sorted(columns, key=lambda one: one.values.dtype.kind != "f")))

    def ready(self) -> bool:
        return True

    def close(self) -> None:
        """The session ends with the last reference to it."""

    def _feed(self, rows: Columns) -> dict[str, NDArray[Any]]:
        inputs = self.session.get_inputs()
        if len(inputs) == 1 and inputs[0].name not in rows:
            dtype = DTYPES[inputs[0].type]
            return {inputs[0].name: np.column_stack([_typed(one, dtype) for one in rows])}
        return {one.name: _shaped(_typed(rows[one.name], DTYPES[one.type]), one) for one in inputs}


def _typed(column: Column, dtype: Any) -> NDArray[Any]:
    if column.valid is None or column.valid.all():
        return column.values.astype(dtype)
    if np.dtype(dtype).kind != "f":
        raise ValueError(f"feature {column.name!r} has nulls, which {np.dtype(dtype)} cannot say")
    return np.where(column.valid, column.values, np.nan).astype(dtype)


def _shaped(values: NDArray[Any], wanted: Any) -> NDArray[Any]:
    return values.reshape(-1, 1) if len(wanted.shape) == 2 and values.ndim == 1 else values


def _output(name: str, answer: Any) -> Column:
    if isinstance(answer, list):
        answer = _from_maps(answer)
    values = np.asarray(answer)
    values = values.astype(object) if values.dtype.kind == "U" else values
    return Column(name, values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values)


def _from_maps(maps: Sequence[Mapping[Any, float]]) -> NDArray[np.float64]:
    """Probabilities as skl2onnx gives them: one map a row, from class to number, in one order."""
    return np.array([list(one.values()) for one in maps], np.float64)
