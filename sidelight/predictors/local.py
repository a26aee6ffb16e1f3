"""A model file in this process, read once, checked before it is opened."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from sidelight.config.settings import PredictorSettings
from sidelight.errors import ArtifactError, ConfigError
from sidelight.predictors.contract import Predictor
from sidelight.predictors.inputs import inputs_of


def open_local(name: str, settings: PredictorSettings, features: Iterable[str]) -> Predictor:
    """The model of ``settings.model``, by what its file's name ends in.

    Raises `ArtifactError` for a file that is not there, has another hash, holds types that are not
    trusted, or is not what its name says; `MissingExtra` for a library that is not installed.
    """
    path = settings.model
    if path is None:
        raise ConfigError(f"models.{name}.predictor has neither 'url' nor 'model'")
    content, names = _checked(name, path, settings.sha256), tuple(features)
    match path.suffix:
        case ".skops":
            from sidelight.predictors.sklearn_model import load_skops

            return load_skops(name, content, settings.trusted, names)
        case ".onnx":
            from sidelight.predictors.onnx_model import load_onnx

            return load_onnx(name, content, inputs_of(name, settings, names))
        case ".json" | ".ubj":
            from sidelight.predictors.xgboost_model import load_xgboost

            return load_xgboost(name, content, names)
        case ".txt":
            from sidelight.predictors.lightgbm_model import load_lightgbm

            return load_lightgbm(name, content, names)
    known = ".skops, .onnx, .json, .ubj or .txt"
    raise ConfigError(f"models.{name}.predictor.model: {path} ends in none of {known}")


def _checked(name: str, path: Path, sha256: str | None) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise ArtifactError(f"model {name!r}: {path} cannot be read: {exc}") from exc
    found = hashlib.sha256(content).hexdigest()
    if sha256 is not None and found != sha256.lower():
        raise ArtifactError(
            f"model {name!r}: {path} has sha256 {found}, expected {sha256}; either the file was"
            f" changed, or models.{name}.predictor.sha256 must be"
        )
    return content
