"""One row at a time through an ONNX model, so that no row depends on its neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import ArtifactError, ConfigError, DataMismatch, MissingExtra

try:
    import onnxruntime

    from sidelight.predictors.onnx_model import DTYPES, ONNX_ERRORS
except ImportError as exc:
    raise MissingExtra(
        f"an onnx encoder needs onnxruntime ({exc}); run: pip install 'sidelight[onnx]'"
    ) from exc


class Session:
    """A model read from its bytes; one thread, so that sums have one order."""

    def __init__(self, model: bytes, output: str | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # A warning about a graph is no news to who watches a log.
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                model, options, providers=["CPUExecutionProvider"]
            )
        except ONNX_ERRORS as exc:
            raise ArtifactError(f"the encoder is not a readable .onnx file: {exc}") from exc
        self._output = _chosen(self._session.get_outputs(), output)

    @cached_property
    def inputs(self) -> Mapping[str, tuple[Any, tuple[int | None, ...]]]:
        """dtype and shape of each input; None for an axis of any length."""
        return {
            one.name: (
                DTYPES.get(one.type),
                tuple(axis if isinstance(axis, int) and axis > 0 else None for axis in one.shape),
            )
            for one in self._session.get_inputs()
        }

    def run(self, feed: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """The chosen output for one row, without the batch axis."""
        try:
            (found,) = self._session.run([self._output], dict(feed))
        except (*ONNX_ERRORS, ValueError, TypeError) as exc:
            told = {name: (array.shape, str(array.dtype)) for name, array in feed.items()}
            raise DataMismatch(f"the onnx encoder refused a row as {told}: {exc}") from exc
        answer = np.asarray(found, np.float32)
        return answer[0] if answer.ndim > 1 else answer


def _chosen(outputs: list[Any], wanted: str | None) -> str:
    names = [one.name for one in outputs]
    if wanted is not None and wanted not in names:
        raise ConfigError(f"the onnx encoder has no output {wanted!r}; there are {names}")
    fractional = [one.name for one in outputs if "float" in one.type or "double" in one.type]
    if wanted is None and not fractional:
        raise ConfigError(f"none of the onnx encoder's outputs {names} holds fractional numbers")
    return wanted or str(fractional[0])
