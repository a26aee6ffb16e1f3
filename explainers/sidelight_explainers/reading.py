"""Reads the reference of a model that is to be explained."""

from __future__ import annotations

from pathlib import Path

from sidelight.config.references import ONLY_DETECTORS, is_fitted
from sidelight.config.settings import ModelSettings
from sidelight.errors import ArtifactError, ConfigError, DataMismatch
from sidelight.tables import read_table
from sidelight.tensors import Columns
from sidelight_explainers.subject import Subject


def read_subject(name: str, settings: ModelSettings) -> Subject:
    """The model with its reference; `ConfigError` says what the reference lacks."""
    features = tuple(settings.features)
    if settings.reference is None:
        return Subject(name, settings, features)
    table = _read(name, settings.reference)
    features = features or tuple(one for one in table.names if one not in settings.outputs)
    try:
        rows = table.select(features)
    except DataMismatch as exc:
        raise ConfigError(f"models.{name}.reference ({settings.reference}): {exc}") from exc
    _check(name, settings, rows)
    return Subject(name, settings, features, rows, table)


def _read(model: str, path: Path) -> Columns:
    if is_fitted(path):
        raise ConfigError(f"models.{model}.reference ({path}): {ONLY_DETECTORS}")
    try:
        reference = read_table(path)
    except ArtifactError as exc:
        raise ConfigError(f"models.{model}.reference: {exc}") from exc
    if len(reference) == 0:
        raise ConfigError(f"models.{model}.reference: {path} has no rows")
    return reference


def _check(model: str, settings: ModelSettings, rows: Columns) -> None:
    for name, feature in settings.features.items():
        if feature.kind == "numeric" and rows[name].kind not in ("number", "boolean"):
            raise ConfigError(
                f"models.{model}.features.{name} is numeric, but the reference holds"
                f" {rows[name].kind}s there; make it categorical or correct the reference"
            )
