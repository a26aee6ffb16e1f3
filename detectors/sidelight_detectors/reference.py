"""Reference rows from a CSV or Parquet file, or an ``.npz`` of arrays."""

from __future__ import annotations

from pathlib import Path

from sidelight.config.settings import ModelSettings
from sidelight.errors import ArtifactError, DataMismatch
from sidelight.redaction import rules_of
from sidelight.redaction.references import redacted_columns
from sidelight.tables import read_table
from sidelight.tensors import Columns


def load_reference(path: Path) -> Columns:
    """Every column of the file, as `sidelight.tables` reads it.

    Raises
    ------
    DataMismatch
        The file is missing, is no CSV, Parquet or arrays, is damaged, has no rows, or has a column
        of a type that cannot be watched (named).
    """
    try:
        reference = read_table(Path(path))
    except ArtifactError as exc:
        raise DataMismatch(str(exc)) from exc
    if not len(reference):
        raise DataMismatch(f"{path}: it holds no rows")
    return reference


def reference_as_logged(path: Path, model: ModelSettings) -> Columns:
    """The columns as the logger would write them; raises as `load_reference`, and `ConfigError`."""
    table = load_reference(path)
    if model.redact is None or not model.redact.columns:
        return table
    return redacted_columns(table, rules_of([model.redact]))
