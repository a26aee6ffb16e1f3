"""Rows from an ``.npz`` file: one array a column, its first axis the rows."""

from __future__ import annotations

import zipfile
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import ArtifactError
from sidelight.tensors import Column, Columns, column_of

SUFFIX = ".npz"
MAX_BYTES = 1 << 32
"""Largest content that is read, once unpacked."""

# All that zipfile, zlib and numpy's header parser raise on bytes that are not theirs.
_UNREADABLE = (
    OSError, EOFError, KeyError, TypeError, ValueError, RuntimeError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def read_arrays(path: Path) -> Columns:
    """All arrays of the file as columns: numbers and booleans of any shape, texts, times.

    Texts are numpy's unicode or bytes; arrays of Python objects are refused, not unpickled. Raises
    `ArtifactError` for a file that is not there, not readable, or too large.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _refuse_large(path, archive)
            columns = tuple(_column(archive, info) for info in archive.infolist())
        return Columns(columns)
    except ArtifactError:
        raise
    except _UNREADABLE as exc:
        raise ArtifactError(f"{path}: cannot be read as arrays: {exc}") from exc


def array_names(path: Path) -> list[str]:
    """The names of the columns; raises `ArtifactError` as `read_arrays` as far as they show it."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [_name(info) for info in archive.infolist()]
    except _UNREADABLE as exc:
        raise ArtifactError(f"{path}: cannot be read as arrays: {exc}") from exc


def _refuse_large(path: Path, archive: zipfile.ZipFile) -> None:
    unpacked = sum(info.file_size for info in archive.infolist())
    if unpacked > MAX_BYTES:
        raise ArtifactError(f"{path}: {unpacked} bytes unpacked, at most {MAX_BYTES} are read")


def _column(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Column:
    with archive.open(info) as file:
        values: NDArray[Any] = np.load(BytesIO(file.read()), allow_pickle=False)
    if values.dtype.kind not in "biufUSM":
        raise ValueError(f"{info.filename} holds {values.dtype}; read are numbers, text and times")
    if values.dtype.kind in "US":
        return column_of(_name(info), values.astype(object))
    return column_of(_name(info), values)


def _name(info: zipfile.ZipInfo) -> str:
    return info.filename.removesuffix(".npy")
