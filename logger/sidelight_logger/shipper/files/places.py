"""Where files go: a folder of this machine, or a bucket that fsspec knows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from sidelight.errors import ConfigError
from sidelight.events.store import file_system
from sidelight_logger.shipper.carrying.fates import SinkFailed
from sidelight_logger.shipper.routes import place_of
from sidelight_logger.wire.sinks import DENIED, STORE

FILE = "file"


class Place(Protocol):
    """Takes files by their names below it; one that is there already is replaced.

    Raises `SinkFailed`; what was put of them by then may stay.
    """

    def put(self, files: Mapping[str, bytes]) -> None: ...


class Folder:
    """A file is seen whole or not at all, also when this process ends meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def put(self, files: Mapping[str, bytes]) -> None:
        try:
            for name, content in files.items():
                self._put(self._path / name, content)
        except OSError as exc:
            reason = DENIED if isinstance(exc, PermissionError) else STORE
            raise SinkFailed(f"{exc.filename or self._path}: {exc.strerror}", reason) from exc

    def _put(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.part")
        partial.write_bytes(content)
        os.replace(partial, path)


class Bucket:
    """`files` is fsspec's file system, `root` the address as it knows it."""

    def __init__(self, name: str, files: Any, root: str) -> None:
        self._name = name
        self._files = files
        self._root = root.rstrip("/")

    def put(self, files: Mapping[str, bytes]) -> None:
        paths = {f"{self._root}/{name}": content for name, content in files.items()}
        try:
            if not self._files.async_impl:  # those that are have no folders to make
                for folder in {path.rpartition("/")[0] for path in paths}:
                    self._files.makedirs(folder, exist_ok=True)
            self._files.pipe(paths)
        except (PermissionError, FileNotFoundError) as exc:
            raise SinkFailed(f"{self._name}: {exc!r}", DENIED) from exc
        except Exception as exc:  # Each of fsspec's file systems raises errors of its own.
            raise SinkFailed(f"{self._name}: {exc!r}", STORE) from exc


def place_at(setting: str, url: str) -> Place:
    """The place at that address, which is not asked yet; raises `MissingExtra`, `ConfigError`."""
    parts = urlsplit(url)
    if parts.scheme != FILE:
        return Bucket(place_of(url), *file_system(setting, url))
    if parts.netloc not in ("", "localhost"):
        raise ConfigError(f"{setting}: {url!r} is on another machine; write file:///FOLDER")
    return Folder(Path(unquote(parts.path)))
