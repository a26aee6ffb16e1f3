"""What goes with each call beside its body: a token, and the headers that gateways route by."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from sidelight.config.predicting import PredictorSettings
from sidelight.errors import ConfigError, PredictorError

AUTHORIZATION = "authorization"


class Credentials:
    """The headers of one predictor's calls, names in lower case.

    A token file is read again when it has changed, as mounted secrets do. `name` is the model's,
    for errors: `ConfigError` when made with a file that cannot be read.
    """

    def __init__(self, name: str, settings: PredictorSettings) -> None:
        self._headers = {key: one.get_secret_value() for key, one in settings.headers.items()}
        if settings.token is not None:
            self._headers[AUTHORIZATION] = f"Bearer {settings.token.get_secret_value()}"
        self._file: _TokenFile | None = None
        if settings.token_file is not None:
            self._file = _TokenFile(settings.token_file)
            try:
                self._file.token()
            except PredictorError as exc:
                raise ConfigError(f"models.{name}.predictor.token_file: {exc}") from exc

    def headers(self) -> dict[str, str]:
        """Those of a call that is made now; `PredictorError` when the token is lost."""
        if self._file is None:
            return dict(self._headers)
        return {**self._headers, AUTHORIZATION: f"Bearer {self._file.token()}"}


class _TokenFile:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._seen: tuple[int, ...] = ()
        self._token = ""

    def token(self) -> str:
        try:
            with self._lock:
                told = self._path.stat()
                seen = (told.st_mtime_ns, told.st_ino, told.st_size)
                if seen != self._seen:
                    self._token = _checked(self._path.read_text("ascii").strip())
                    self._seen = seen
                return self._token
        except (OSError, ValueError) as exc:
            raise PredictorError(f"token of {self._path}: {_told(exc)}") from exc


def _checked(token: str) -> str:
    if not token or not token.isprintable() or " " in token:
        raise ValueError("it is empty, or has spaces or lines inside")
    return token


def _told(exc: Exception) -> str:
    """Without what the file holds, which a decoder's own words would show."""
    if isinstance(exc, UnicodeDecodeError):
        return "it is not ASCII"
    return str(exc.strerror) if isinstance(exc, OSError) else str(exc)
