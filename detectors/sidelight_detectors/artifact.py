"""A file of named arrays and a JSON header: ``.npz`` that never needs unpickling."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import ArtifactError

MAX_BYTES = 1 << 30
"""Largest file, and largest content once unpacked, that is read."""

_HEADER = "header"

# All that zipfile, zlib, numpy's header parser and json raise on bytes that are not theirs.
_UNREADABLE = (
    OSError,
    EOFError,
    KeyError,
    TypeError,
    ValueError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)

Arrays = Mapping[str, NDArray[Any]]


def write_artifact(path: Path, header: Mapping[str, Any], arrays: Arrays) -> None:
    """Writes the file, and its folder, whole or not at all; equal content gives equal bytes.

    Raises `ArtifactError` when the place cannot be written to.
    """
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            # Row after row, as `_array` reads them.
            ordered = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
            _write(partial, {_HEADER: np.frombuffer(text, np.uint8), **ordered})
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as exc:
        raise ArtifactError(
            f"{path}: cannot be written ({exc.strerror}); make room for it or name another place"
        ) from exc


def _write(path: Path, content: Mapping[str, Any]) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, **content)
        file.flush()
        os.fsync(file.fileno())


def read_artifact(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Header and arrays of a file `write_artifact` wrote.

    Raises
    ------
    ArtifactError
        When it is missing, damaged, larger than `MAX_BYTES` (also unpacked), or holds objects.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _refuse_large(path, archive)
            arrays = {info.filename[:-4]: _array(archive, info) for info in archive.infolist()}
        header = json.loads(arrays.pop(_HEADER).tobytes())
    except ArtifactError:
        raise
    except _UNREADABLE as exc:
        raise ArtifactError(f"{path}: cannot be read as an artifact: {exc}; fit again") from exc
    if not isinstance(header, dict):
        raise ArtifactError(f"{path}: its header is not an object; fit again")
    return header, arrays


def _refuse_large(path: Path, archive: zipfile.ZipFile) -> None:
    unpacked = sum(info.file_size for info in archive.infolist())
    if max(unpacked, path.stat().st_size) > MAX_BYTES:
        raise ArtifactError(f"{path}: {unpacked} bytes unpacked, at most {MAX_BYTES} are read")


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    file = BytesIO(archive.read(info))
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise ValueError(f"{info.filename} has npy version {version}")
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.hasobject:
        raise ValueError(f"{info.filename} holds Python objects")
    # From what is there, never from what the header claims: a claim could ask for any memory.
    return np.frombuffer(file.read(), dtype).reshape(shape)
