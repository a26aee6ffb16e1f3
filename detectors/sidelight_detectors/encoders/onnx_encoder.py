"""The embedding that a trained model gives of each row."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.encoding import OnnxSettings
from sidelight.errors import ArtifactError
from sidelight_detectors.contract import Packed
from sidelight_detectors.encoders.contract import Features, Rows
from sidelight_detectors.encoders.fixed_point import FixedPoint, fixed_point_for
from sidelight_detectors.encoders.principal import principal_projection
from sidelight_detectors.encoders.projection import Projection, unpack_projection

Reduction = FixedPoint | Projection


@dataclass(frozen=True, eq=False)
class OnnxEncoder:
    """A model's output for each row, as it is or reduced to principal components.

    Sees: what the model was trained to see. Misses: what it was trained to ignore.

    A row goes through the model alone and on one thread, so its features do not depend on the batch
    it came in. Another processor or version of onnxruntime may give other last bits: processes on
    unlike machines should share one fitted reference.

    Parameters
    ----------
    model:
        The bytes of the ``.onnx`` file.
    tokenizer:
        The bytes of a ``tokenizer.json``; empty without one.
    shape:
        Of a row; None for texts.
    reduction:
        None until it is fitted.
    """

    settings: OnnxSettings
    model: bytes
    tokenizer: bytes
    shape: tuple[int, ...] | None
    reduction: Reduction | None = None
    width: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"onnx{number}" for number in range(self.width))

    def encode(self, rows: Rows) -> Features:
        found = self.embed(rows)
        if isinstance(self.reduction, Projection):
            return self.reduction.of(found)
        fixed = self.reduction or fixed_point_for(found)
        return fixed.of(found) * fixed.unit

    def embed(self, rows: Rows) -> NDArray[np.float32]:
        """Shape ``(n, m)``: the model's output, of a token model the mean over the tokens."""
        session = self._session
        feeds = (self._feeding.feed(row, session.inputs) for row in rows)
        found = [_one(session.run(feed)) for feed in feeds]
        return np.stack(found) if found else np.empty((0, self.width), np.float32)

    def pack(self) -> Packed:
        header: dict[str, Any] = {
            "settings": self.settings.model_dump(mode="json", exclude={"path", "tokenizer"}),
            "shape": None if self.shape is None else list(self.shape),
            "width": self.width,
        }
        arrays: dict[str, NDArray[Any]] = {
            "model": np.frombuffer(self.model, np.uint8),
            "tokenizer": np.frombuffer(self.tokenizer, np.uint8),
        }
        if isinstance(self.reduction, Projection):
            own, more = self.reduction.packed()
            return Packed({**header, **own}, {**arrays, **more})
        unit = self.reduction.unit if self.reduction else 0.0
        return Packed({**header, "unit": unit}, arrays)

    @cached_property
    def _session(self) -> Any:
        from sidelight_detectors.encoders.onnx_session import Session

        return Session(self.model, self.settings.output)

    @cached_property
    def _feeding(self) -> Any:
        from sidelight_detectors.encoders.onnx_inputs import (
            ImageFeeding,
            TextFeeding,
            token_feeding,
        )

        asked = self.settings
        if self.shape is not None:
            return ImageFeeding(self.shape, asked.layout, asked.scale, asked.mean, asked.std)
        if self.tokenizer:
            return token_feeding(self.tokenizer, asked.length)
        return TextFeeding(asked.length)


def _one(answer: NDArray[np.float32]) -> NDArray[np.float32]:
    """One vector: of tokens ``(t, m)`` their mean, of maps ``(c, h, w)`` the mean of each."""
    if answer.ndim == 2:
        # A text may have no tokens at all; it is then at 0.
        return np.asarray(answer.sum(axis=0) / max(1, len(answer)), np.float32)
    return np.asarray(answer.mean(axis=(1, 2)) if answer.ndim == 3 else answer.ravel(), np.float32)


def fit_onnx(rows: Rows, settings: OnnxSettings, shape: tuple[int, ...] | None) -> OnnxEncoder:
    """Reads the model's file and learns how to reduce what it gives for these rows.

    Raises `ArtifactError` for a file that cannot be read or has another hash, `MissingExtra` when
    onnxruntime is not installed, `DataMismatch` when it refuses the rows.
    """
    model = _content(settings.path, settings.sha256)
    tokenizer = _content(settings.tokenizer, None) if settings.tokenizer else b""
    raw = OnnxEncoder(settings, model, tokenizer, shape)
    found = raw.embed(rows)
    reduction: Reduction = fixed_point_for(found)
    width = found.shape[1]
    if width > settings.components:
        reduction = principal_projection(found, settings.components)
        width = len(reduction.scale)
    return OnnxEncoder(settings, model, tokenizer, shape, reduction, width)


def unpack_onnx(packed: Packed) -> OnnxEncoder:
    header, arrays = packed.header, packed.arrays
    # The files themselves are inside; their paths were those of the machine that fitted.
    settings = OnnxSettings.model_validate({**header["settings"], "path": Path("inside")})
    reduction: Reduction = FixedPoint(float(header["unit"]))
    if "weights" in arrays:
        reduction = unpack_projection(header, arrays)
    shape = None if header["shape"] is None else tuple(map(int, header["shape"]))
    model, tokenizer = arrays["model"].tobytes(), arrays["tokenizer"].tobytes()
    width = int(header["width"])
    return OnnxEncoder(settings, model, tokenizer, shape, reduction, width)


def _content(path: Path, sha256: str | None) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise ArtifactError(f"encoder {path} cannot be read: {exc}") from exc
    found = hashlib.sha256(content).hexdigest()
    if sha256 is not None and found != sha256.lower():
        raise ArtifactError(f"encoder {path} has sha256 {found}, expected {sha256}")
    return content
