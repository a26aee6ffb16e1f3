"""An HTTP address that takes events, and what its answers mean."""

from __future__ import annotations

import base64
import select
import socket
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from functools import partial
from http.client import CONTINUE, HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from ssl import SSLCertVerificationError
from urllib.parse import SplitResult, unquote, urlsplit

from sidelight import __version__
from sidelight.config.settings import SinkSettings
from sidelight.errors import ConfigError
from sidelight.events.http import HttpMessage
from sidelight_logger.shipper.carrying.fates import SinkFailed, SinkRefused
from sidelight_logger.shipper.http.trust import trusted
from sidelight_logger.shipper.routes import place_of
from sidelight_logger.wire.sinks import BROKEN, BUSY, DENIED, SLOW, UNREACHABLE

_TRY_AGAIN = {
    **dict.fromkeys((408, 425, 429, 503), BUSY),
    **dict.fromkeys((401, 403, 404, 405, 407, 410), DENIED),
}
_ANSWER_BYTES = 4 << 10
"""Of an answer that are read: enough to tell why."""
_LONGEST_ADVICE_SECONDS = 300.0


class HttpSink:
    """Sends one event after the other over one connection that stays open.

    `http.client` and not a larger client: a sink is asked once for each event, and this costs a
    sixth of the time (`benchmarks.shipper`).
    """

    def __init__(self, settings: SinkSettings) -> None:
        parts = urlsplit(settings.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(
                f"{place_of(settings.url)!r} is no address to post to: http://host/path"
            )
        self._name = place_of(settings.url)
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._headers = _own_headers(settings, parts)
        self._open = partial(_opened, parts, settings)
        self._connection: HTTPConnection | None = None

    def send(self, message: HttpMessage) -> None:
        """Returns when the sink has taken it; raises `SinkRefused` or `SinkFailed`."""
        self.post(message)

    def post(self, message: HttpMessage) -> bytes:
        """Likewise; the beginning of the answer."""
        try:
            answer, content = self._exchange(message)
        except (OSError, HTTPException, ValueError) as exc:
            self.close()
            raise _cause(self._name, exc) from exc
        _judge(answer, content, self._name)
        return content

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _exchange(self, message: HttpMessage) -> tuple[HTTPResponse, bytes]:
        connection = self._connected()
        is_whole = self._ask(connection, message)
        answer = connection.getresponse()
        content = answer.read(_ANSWER_BYTES)
        if not (is_whole and answer.isclosed()):
            connection.close()  # the rest of a long answer is not read
        return answer, content

    def _ask(self, connection: HTTPConnection, message: HttpMessage) -> bool:
        """Whether all of it could be sent: a sink may answer 413 before it has read it."""
        headers = {**dict(message.headers), **self._headers}
        try:
            connection.request("POST", self._target, message.body, headers)
        except (BrokenPipeError, ConnectionResetError):
            if connection.sock is None:
                raise
            return False
        return True

    def _connected(self) -> HTTPConnection:
        connection = self._connection
        if connection is None or connection.sock is None or _has_ended(connection.sock):
            self.close()
            self._connection = connection = self._open()
        return connection


def advised_seconds(retry_after: str, now: Callable[[], float] = time.time) -> float:
    """What a ``Retry-After`` asks for: seconds or a date; 0 when it cannot be read."""
    if retry_after.isascii() and retry_after.isdigit():
        return min(float(retry_after), _LONGEST_ADVICE_SECONDS)
    try:
        until = parsedate_to_datetime(retry_after).timestamp()
    except (ValueError, TypeError):
        return 0.0
    return min(max(0.0, until - now()), _LONGEST_ADVICE_SECONDS)


class _Final(HTTPResponse):
    """Passes over every interim answer (102, 103), and not only 100."""

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        return version, CONTINUE if 100 <= status < 200 else status, reason


def _opened(parts: SplitResult, settings: SinkSettings) -> HTTPConnection:
    host, port, seconds = parts.hostname or "", parts.port, settings.timeout_seconds
    if parts.scheme == "http":
        connection = HTTPConnection(host, port, timeout=seconds)
    else:
        connection = HTTPSConnection(host, port, timeout=seconds, context=trusted(settings))
    connection.response_class = _Final
    return connection


def _has_ended(sock: socket.socket) -> bool:
    """Whether it has something to say before it was asked."""
    return bool(select.select([sock], [], [], 0)[0])


def _cause(name: str, exc: Exception) -> SinkRefused | SinkFailed:
    """What a post that brought no answer means."""
    if isinstance(exc, SSLCertVerificationError):  # a ValueError too
        return SinkFailed(f"{name}: {exc.verify_message}", DENIED)
    if isinstance(exc, TimeoutError):
        return SinkFailed(f"{name}: no answer in time", SLOW)
    if isinstance(exc, OSError | HTTPException):
        return SinkFailed(f"{name}: {exc!r}", UNREACHABLE)
    return SinkRefused(f"{name}: cannot be sent: {exc}")


def _own_headers(settings: SinkSettings, parts: SplitResult) -> dict[str, str]:
    headers = {"user-agent": f"sidelight/{__version__}"}
    if settings.token is not None:
        headers["authorization"] = f"Bearer {settings.token.get_secret_value()}"
    elif parts.username:
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["authorization"] = f"Basic {base64.b64encode(secret.encode()).decode()}"
    return headers


def _judge(answer: HTTPResponse, content: bytes, name: str) -> None:
    """Only a refusal repeats what the sink says: a failure is logged, and the answer may hold what
    was sent."""
    if 200 <= answer.status < 300:
        return
    by_class = {3: DENIED, 5: BROKEN}.get(answer.status // 100)
    reason = _TRY_AGAIN.get(answer.status, by_class)
    if reason is None:
        text = content[:200].decode(errors="replace") or answer.reason
        raise SinkRefused(f"{name}: {answer.status} {text}")
    advice = answer.headers.get("retry-after", "")
    raise SinkFailed(f"{name}: {answer.status} {answer.reason}", reason, advised_seconds(advice))
