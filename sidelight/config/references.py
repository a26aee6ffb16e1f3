"""Whether each model's reference is a table with the columns that the configuration names."""

from __future__ import annotations

import difflib
import zipfile
from collections.abc import Iterator
from pathlib import Path

from sidelight.config.checks import Fault
from sidelight.config.fields import Key, dotted
from sidelight.config.services import named
from sidelight.config.settings import ModelSettings, Settings
from sidelight.errors import ArtifactError

FITTED = ".npz"
"""How a reference ends that `sidelight fit` wrote: it knows its columns itself."""
_FITTED_HAS = "header.npy"
"""What a fitted reference holds and an ``.npz`` of rows does not."""
ONLY_DETECTORS = (
    "a fitted reference serves detectors only, and explainers need the rows themselves; "
    "name the CSV or Parquet file it was fitted from"
)
_SHOWN = 12


def reference_faults(settings: Settings) -> Iterator[Fault]:
    """All that the beginning of each reference shows to be wrong."""
    for name, model in settings.models.items():
        if model.reference is not None:
            yield from _of_model(("models", name), model, model.reference)


def is_fitted(reference: Path) -> bool:
    """Whether it is a fitted reference, by its name; arrays of rows are told by what is inside."""
    if reference.suffix != FITTED:
        return False
    try:
        with zipfile.ZipFile(reference) as archive:
            return _FITTED_HAS in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return True


def missing_files(settings: Settings) -> Iterator[Fault]:
    """Files of encoders and side tables that are not there."""
    for name, model in settings.models.items():
        for key, path in (*_encoder_files(model), *_side_tables(model)):
            if not path.is_file():
                place = ("models", name, *key)
                yield Fault(place, f"{dotted(place)} ({path}): there is no such file")


def files_beside(model: ModelSettings) -> list[Path]:
    """Files that a fit reads beside the reference: encoders, then side tables."""
    return [path for _, path in (*_encoder_files(model), *_side_tables(model))]


def _encoder_files(model: ModelSettings) -> Iterator[tuple[Key, Path]]:
    for part, columns in (("features", model.features), ("outputs", model.outputs)):
        for name, column in columns.items():
            onnx = column.encoding.onnx if column.encoding else None
            key = (part, name, "encode", "onnx")
            if onnx is not None:
                yield (*key, "path"), onnx.path
            if onnx is not None and onnx.tokenizer is not None:
                yield (*key, "tokenizer"), onnx.tokenizer


def _side_tables(model: ModelSettings) -> Iterator[tuple[Key, Path]]:
    protected = model.detectors.bias.protected if model.detectors.bias else {}
    for name, attribute in protected.items():
        if attribute.table is not None:
            yield ("detectors", "bias", "protected", name, "table"), attribute.table


def _of_model(key: Key, model: ModelSettings, reference: Path) -> Iterator[Fault]:
    place = (*key, "reference")
    told = f"{dotted(place)} ({reference})"
    if not reference.exists():
        yield Fault(place, f"{told}: there is no such file")
    elif is_fitted(reference):
        if named(model.explainers):
            yield Fault(place, f"{told}: {ONLY_DETECTORS}")
    else:
        yield from _of_table(key, model, reference, told)


def _of_table(key: Key, model: ModelSettings, reference: Path, told: str) -> Iterator[Fault]:
    try:
        from sidelight.tables import column_names
    except ModuleNotFoundError:
        return  # nor are the services installed that read it, which `check` and `up` tell
    try:
        columns = column_names(reference)
    except ArtifactError as exc:
        yield Fault((*key, "reference"), f"{told}: {str(exc).removeprefix(f'{reference}: ')}")
        return
    for setting, name in _names(model):
        if name not in columns:
            place = (*key, *setting)
            message = f"{told}: has no column {name!r}, named by {dotted(place)}"
            yield Fault(place, f"{message}; {_way_out(name, columns)}")
    for setting, name in _groups_of(model):
        if name not in columns:
            place = (*key, *setting)
            message = f"{told}: has no column {name!r} to take the groups of {dotted(place)} from"
            yield Fault(place, f"{message}; name its 'groups', or its 'column' or 'table'")


def _names(model: ModelSettings) -> Iterator[tuple[Key, str]]:
    """The reference's columns that settings name."""
    for part, names in (("features", model.features), ("outputs", model.outputs)):
        yield from (((part, name), name) for name in names)
    detectors = model.detectors
    encoded = tuple(f"{name}." for name in (*model.features, *model.outputs))
    if (drift := detectors.drift) and drift.by is not None and not drift.by.startswith(encoded):
        yield ("detectors", "drift", "by"), drift.by
    if drift and drift.alarm.block_by is not None:
        yield ("detectors", "drift", "alarm", "block_by"), drift.alarm.block_by
    if detectors.performance:
        yield ("detectors", "performance", "label"), detectors.performance.label


def _groups_of(model: ModelSettings) -> Iterator[tuple[Key, str]]:
    """The reference's columns that protected attributes take their groups from."""
    protected = model.detectors.bias.protected if model.detectors.bias else {}
    for name, attribute in protected.items():
        if not (attribute.groups or attribute.bands or attribute.table):
            yield ("detectors", "bias", "protected", name), attribute.column or name


def _way_out(name: str, columns: list[str]) -> str:
    if near := difflib.get_close_matches(name, columns, n=1):
        return f"did you mean {near[0]!r}?"
    rest = f" and {len(columns) - _SHOWN} more" if len(columns) > _SHOWN else ""
    return f"there are {', '.join(columns[:_SHOWN])}{rest}"
