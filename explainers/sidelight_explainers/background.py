"""The reference rows that stand for 'feature absent'."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sidelight.config.references import ONLY_DETECTORS, is_fitted
from sidelight.config.settings import ModelSettings
from sidelight.errors import ArtifactError, ConfigError, DataMismatch
from sidelight.tables import read_table
from sidelight.tensors import Columns


@dataclass(frozen=True, eq=False)
class Background:
    """Features of some reference rows in random order, and how many rows they were chosen from."""

    rows: Columns
    reference_rows: int

    def first(self, count: int) -> Columns:
        """The first rows; as they stand in random order, a random sample too."""
        return self.rows.take(slice(count))


def choose_background(
    reference: Columns, features: Iterable[str], size: int, seed: int
) -> Background:
    """At most `size` rows of the reference, chosen and ordered at random by the seed."""
    chosen = np.random.default_rng(seed).permutation(len(reference))[:size]
    return Background(reference.select(tuple(features)).take(chosen), len(reference))


def read_background(model: str, settings: ModelSettings, size: int, seed: int) -> Background:
    """The background of a configured model; `ConfigError` says what its reference lacks."""
    path = settings.reference
    if path is None:
        raise ConfigError(
            f"models.{model}.explainers needs models.{model}.reference: CSV or Parquet"
        )
    reference = _read(model, path)
    features = tuple(settings.features) or _inputs(reference, settings)
    try:
        background = choose_background(reference, features, size, seed)
    except DataMismatch as exc:
        raise ConfigError(f"models.{model}.reference ({path}): {exc}") from exc
    _check(model, settings, background.rows)
    return background


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


def _inputs(reference: Columns, settings: ModelSettings) -> tuple[str, ...]:
    return tuple(name for name in reference.names if name not in settings.outputs)


def _check(model: str, settings: ModelSettings, rows: Columns) -> None:
    for name, feature in settings.features.items():
        if feature.kind == "numeric" and rows[name].kind not in ("number", "boolean"):
            raise ConfigError(
                f"models.{model}.features.{name} is numeric, but the reference holds"
                f" {rows[name].kind}s there; make it categorical or correct the reference"
            )
