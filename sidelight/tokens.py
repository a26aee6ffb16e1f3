"""Bearer tokens: what one may look like, and files that hold one."""

from __future__ import annotations

import re
from pathlib import Path
from threading import Lock

from sidelight.errors import SidelightError

_TOKEN = re.compile(r"[\x21-\x7e]+")


class TokenLost(SidelightError):
    """A token's file cannot be read, or holds no token; the message does not show what it holds."""


def is_token(text: str) -> bool:
    """Whether a header can carry it: visible ASCII without spaces."""
    return _TOKEN.fullmatch(text) is not None


class TokenFile:
    """A file that holds a token; read again when it has changed, as mounted secrets do."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._seen: tuple[int, ...] = ()
        self._token = ""

    def token(self) -> str:
        """Raises `TokenLost`."""
        try:
            with self._lock:
                told = self._path.stat()
                seen = (told.st_mtime_ns, told.st_ino, told.st_size)
                if seen != self._seen:
                    self._token, self._seen = self._read(), seen
                return self._token
        except OSError as exc:
            raise TokenLost(f"token of {self._path}: {exc.strerror}") from exc

    def _read(self) -> str:
        try:
            text = self._path.read_text("ascii").strip()
        except UnicodeDecodeError:  # whose words would show a part of the file
            raise TokenLost(f"token of {self._path}: it is not ASCII") from None
        if not is_token(text):
            raise TokenLost(f"token of {self._path}: it is empty, or has spaces or lines inside")
        return text
