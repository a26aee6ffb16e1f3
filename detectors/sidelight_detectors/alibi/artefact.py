"""A saved detector, before anything in it is opened: is it what was pinned, and can it run code?"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sidelight.errors import ArtifactError, ConfigError
from sidelight.pinning import files_in, name_in, pinned_folder

CONFIG = "config.toml"
INERT = (".npy", ".npz", ".toml")
"""Files of numbers and text; alibi-detect reads them without unpickling unless told to."""


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
    copy = pinned_folder(folder, to, sha256)
    _refuse_outside(folder, copy)
    active = [name_in(copy, path) for path in files_in(copy) if path.suffix not in INERT]
    if active and not allow_unsafe:
        raise ConfigError(
            f"{folder}: loading {active[0]} can run code; if you trust whoever wrote it, "
            "set 'allow_unsafe_artifacts: true'"
        )
    return copy


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
