"""Files and folders that are loaded only when they are, byte for byte, what was pinned."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from sidelight.errors import ArtifactError, ConfigError


def folder_sha256(folder: Path) -> str:
    """Hex sha256 over the names and contents of all files below the folder.

    The same as ``find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum``
    inside it.
    """
    lines = hashlib.sha256()
    for path in sorted(files_in(folder), key=lambda path: name_in(folder, path).encode()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        lines.update(f"{digest}  {name_in(folder, path)}\n".encode())
    return lines.hexdigest()


def pinned_folder(folder: Path, to: Path, sha256: str) -> Path:
    """A copy at `to` that has the pinned hash: it is what is then looked at and loaded, so that
    nobody changes it in between.

    Raises
    ------
    ConfigError
        There is no such folder, or it has another hash.
    ArtifactError
        It cannot be read.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: there is no such folder")
    try:
        copy = Path(shutil.copytree(folder, to, dirs_exist_ok=True))
    except (OSError, shutil.Error) as exc:
        raise ArtifactError(f"{folder}: cannot be read: {exc}") from exc
    _check(folder, folder_sha256(copy), sha256)
    return copy


def pinned_file(file: Path, to: Path, sha256: str) -> Path:
    """A copy in the folder `to` that has the pinned hash; raises `ConfigError` otherwise."""
    try:
        content = file.read_bytes()
    except OSError as exc:
        raise ConfigError(f"{file}: cannot be read: {exc.strerror}") from exc
    _check(file, hashlib.sha256(content).hexdigest(), sha256)
    copy = to / file.name
    copy.write_bytes(content)
    return copy


def files_in(folder: Path) -> Iterator[Path]:
    """All files below the folder."""
    return (path for path in folder.rglob("*") if path.is_file())


def name_in(folder: Path, path: Path) -> str:
    """A file's name as ``find .`` inside the folder tells it."""
    return f"./{path.relative_to(folder).as_posix()}"


def _check(path: Path, found: str, pinned: str) -> None:
    if found != pinned.lower():
        raise ConfigError(
            f"{path}: its sha256 is {found}, not {pinned}; "
            "pin the new one only if you know who changed it"
        )
