"""A saved detector, before anything in it is opened: is it what was pinned, and can it run code?"""

from __future__ import annotations

import hashlib
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sidelight.errors import ArtifactError, ConfigError

CONFIG = "config.toml"
INERT = (".npy", ".npz", ".toml")
"""Files of numbers and text; alibi-detect reads them without unpickling unless told to."""


def folder_sha256(folder: Path) -> str:
    """Hex sha256 over the names and contents of all files below the folder.

    The same as ``find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum``
    inside it.
    """
    lines = hashlib.sha256()
    for path in sorted(_files(folder), key=lambda path: _name(folder, path).encode()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        lines.update(f"{digest}  {_name(folder, path)}\n".encode())
    return lines.hexdigest()


def pinned_copy(folder: Path, to: Path, sha256: str, allow_unsafe: bool) -> Path:
    """A copy at `to` that has the pinned hash and holds nothing that runs code unless allowed.

    It is the copy that is looked at and then loaded, so that nobody changes it in between.

    Raises
    ------
    ConfigError
        There is no such folder, it has another hash, or it holds what was not allowed.
    ArtifactError
        It refers to files outside of itself, or cannot be read.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: there is no such folder")
    try:
        copy = Path(shutil.copytree(folder, to, dirs_exist_ok=True))
    except (OSError, shutil.Error) as exc:
        raise ArtifactError(f"{folder}: cannot be read: {exc}") from exc
    found = folder_sha256(copy)
    if found != sha256.lower():
        raise ConfigError(
            f"{folder}: its sha256 is {found}, not {sha256}; "
            "pin the new one only if you know who changed it"
        )
    _refuse_outside(folder, copy)
    active = [_name(copy, path) for path in _files(copy) if path.suffix not in INERT]
    if active and not allow_unsafe:
        raise ConfigError(
            f"{folder}: loading {active[0]} can run code; if you trust whoever wrote it, "
            "set 'allow_unsafe_artifacts: true'"
        )
    return copy


def pinned_file(file: Path, to: Path, sha256: str) -> Path:
    """A copy in the folder `to` that has the pinned hash; raises `ConfigError` otherwise."""
    try:
        content = file.read_bytes()
    except OSError as exc:
        raise ConfigError(f"{file}: cannot be read: {exc.strerror}") from exc
    found = hashlib.sha256(content).hexdigest()
    if found != sha256.lower():
        raise ConfigError(
            f"{file}: its sha256 is {found}, not {sha256}; "
            "pin the new one only if you know who changed it"
        )
    copy = to / file.name
    copy.write_bytes(content)
    return copy


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _name(folder: Path, path: Path) -> str:
    return f"./{path.relative_to(folder).as_posix()}"


def _refuse_outside(folder: Path, copy: Path) -> None:
    """A reference to another place would not be covered by the hash."""
    config = copy / CONFIG
    if not config.exists():
        return
    try:
        document = tomllib.loads(config.read_text())
    except (ValueError, OSError) as exc:
        raise ArtifactError(f"{folder}/{CONFIG}: cannot be read: {exc}") from exc
    for text in _texts(document):
        place = (copy / text).resolve() if "\0" not in text else copy.parent
        if not place.is_relative_to(copy.resolve()):
            raise ArtifactError(f"{folder}/{CONFIG}: {text!r} lies outside of the folder")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
