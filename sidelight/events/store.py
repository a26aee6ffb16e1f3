"""A folder or bucket for data that is too large for a record, through fsspec."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sidelight.errors import (
    ConfigError,
    LimitExceeded,
    MalformedPayload,
    MissingExtra,
    StoreUnreachable,
)

MAX_BYTES = 1 << 30
"""Of one object that is read: two bodies of the largest `logger.max_body` would be twice that."""
PATIENT_SECONDS = 10.0
"""An outage is waited for so long; later tries fail at once until one succeeds."""
_PAUSE_SECONDS = 0.5


class Store:
    """Keeps the `dataref.Keeper` contract below one address such as ``s3://bucket/prefix``.

    `files` is fsspec's file system, `root` the address as it knows it.
    """

    def __init__(self, url: str, files: Any, root: str) -> None:
        self.url = url
        self._files = files
        self._root = root

    def put(self, name: str, data: bytes) -> None:
        """Keep the data under that name; raises `StoreUnreachable`."""
        self._asked("write", lambda: self._put(f"{self._root}/{name}", data))

    def get(self, name: str) -> bytes:
        """The data of that name.

        Raises `MalformedPayload` when there is none or too much, `StoreUnreachable`.
        """
        path = f"{self._root}/{name}"
        try:
            data = self._asked("read", lambda: self._files.cat_file(path, end=MAX_BYTES + 1))
        except FileNotFoundError as exc:
            raise MalformedPayload(f"there is no {self.url}/{name} any more") from exc
        if len(data) > MAX_BYTES:
            raise LimitExceeded(f"{self.url}/{name} has more than {MAX_BYTES} bytes")
        return bytes(data)

    def _put(self, path: str, data: bytes) -> None:
        # What is there already may be read at this moment: it is not written again.
        if self._files.exists(path) and self._files.size(path) == len(data):
            return
        self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
        self._files.pipe_file(path, data)

    def _asked(self, verb: str, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except FileNotFoundError:
            raise
        except Exception as exc:  # Each of fsspec's file systems raises errors of its own.
            raise StoreUnreachable(f"cannot {verb} log.store {self.url}: {exc!r}") from exc


def open_store(url: str) -> Store:
    """The store at that address, which is not asked yet; raises as `file_system` does."""
    url = url.rstrip("/")
    return Store(url, *file_system("log.store", url))


def file_system(setting: str, url: str) -> tuple[Any, str]:
    """fsspec's file system for an address, and the address as it knows it; nothing is asked yet.

    Raises `MissingExtra` when what speaks its protocol is not installed, `ConfigError` when fsspec
    does not know the protocol.
    """
    try:
        from fsspec.core import url_to_fs  # type: ignore[import-untyped]

        files, root = url_to_fs(url)
    except ImportError as exc:
        raise MissingExtra(f"{setting} {url}: {exc}; run: pip install 'sidelight[store]'") from exc
    except ValueError as exc:
        raise ConfigError(f"{setting} {url}: {exc}") from exc
    return files, str(root)


class PatientStore:
    """A store to read from that is waited for, for a bounded time in each outage."""

    def __init__(
        self,
        store: Store,
        patient_seconds: float = PATIENT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = store.url
        self._store = store
        self._patient_seconds = patient_seconds
        self._clock = clock
        self._sleep = sleep
        self._down_since: float | None = None

    def put(self, name: str, data: bytes) -> None:
        self._store.put(name, data)

    def get(self, name: str) -> bytes:
        while True:
            try:
                data = self._store.get(name)
            except StoreUnreachable:
                if self._down_since is None:
                    self._down_since = self._clock()
                if self._clock() >= self._down_since + self._patient_seconds:
                    raise
                self._sleep(_PAUSE_SECONDS)
            else:
                self._down_since = None
                return data
