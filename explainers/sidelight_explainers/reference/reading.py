"""Reads the reference of a model that is to be explained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sidelight.config.references import ONLY_DETECTORS, is_fitted
from sidelight.config.settings import LogSettings, ModelSettings
from sidelight.errors import ArtifactError, ConfigError, DataMismatch
from sidelight.tables import read_table
from sidelight.tensors import Columns
from sidelight_explainers.logged.recent import read_recent
from sidelight_explainers.subject import Subject


def read_subject(name: str, settings: ModelSettings, log: LogSettings | None = None) -> Subject:
    """The model with its reference and, where its explainers look at it, recent traffic.

    `ConfigError` says what the reference lacks; `LogError` that the log cannot be read.
    """
    subject = _with_reference(name, settings)
    if log is None or not settings.explainers.reads_log:
        return subject
    count = settings.explainers.recent_rows
    recent = read_recent(log, name, settings, subject.rows().names, count)
    return replace(subject, recent=recent if _fits(recent, subject.rows()) else None)


def _fits(recent: Columns, reference: Columns) -> bool:
    """Are there rows, of the reference's kinds?"""
    kinds = {column.name: column.kind for column in reference}
    return len(recent) > 0 and all(column.kind == kinds[column.name] for column in recent)


def _with_reference(name: str, settings: ModelSettings) -> Subject:
    features = tuple(settings.features)
    if settings.reference is None:
        return Subject(name, settings, features)
    table = _read(name, settings.reference)
    answers = _answers(settings)
    features = features or tuple(one for one in table.names if one not in answers)
    try:
        rows = table.select(features)
    except DataMismatch as exc:
        raise ConfigError(f"models.{name}.reference ({settings.reference}): {exc}") from exc
    _check(name, settings, rows)
    return Subject(name, settings, features, rows, table)


def _answers(settings: ModelSettings) -> set[str]:
    """Columns of the reference that say what the model answered, and what came true."""
    label = settings.outcome.label if settings.outcome else None
    return {*settings.outputs, *([] if label is None else [label])}


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
