"""An HTTP address that takes events, and what its answers mean."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from sidelight import __version__
from sidelight.config.settings import SinkSettings
from sidelight.errors import SidelightError
from sidelight.events.http import HttpMessage
from sidelight_logger.frames import BROKEN, BUSY, SLOW, UNREACHABLE

_TRY_AGAIN = {408: BUSY, 425: BUSY, 429: BUSY}
_ANSWER_BYTES = 4 << 10
"""Of an answer that are read: enough to tell why, and to use the connection again."""
_LONGEST_ADVICE_SECONDS = 300.0


class SinkRefused(SidelightError):
    """The sink will not take this event, now or later."""


class SinkFailed(SidelightError):
    """The sink could not take the event now. `after_seconds` is what it advises, 0 if nothing."""

    def __init__(self, message: str, reason: str, after_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.reason = reason
        self.after_seconds = after_seconds


class HttpSink:
    """Sends one event after the other over connections that stay open."""

    def __init__(self, settings: SinkSettings) -> None:
        self._url = settings.url
        headers = {"user-agent": f"sidelight/{__version__}"}
        if settings.token is not None:
            headers["authorization"] = f"Bearer {settings.token.get_secret_value()}"
        self._client = httpx.Client(timeout=settings.timeout_seconds, headers=headers)

    def send(self, message: HttpMessage) -> None:
        """Returns when the sink has taken it; raises `SinkRefused` or `SinkFailed`."""
        headers = [(name.encode(), value.encode()) for name, value in message.headers]
        try:
            with self._client.stream(
                "POST", self._url, headers=headers, content=message.body
            ) as answer:
                text = _beginning(answer)
        except httpx.TimeoutException as exc:
            raise SinkFailed(f"{self._url}: no answer in time", SLOW) from exc
        except httpx.HTTPError as exc:
            raise SinkFailed(f"{self._url}: {exc}", UNREACHABLE) from exc
        _judge(answer, f"{self._url}: {answer.status_code} {text}")

    def close(self) -> None:
        self._client.close()


def sink_name(url: str) -> str:
    """The address without user, password and query: a label, and the sink's place in the log."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"


class Backoff:
    """Waits that double, each drawn between half and all of its length."""

    def __init__(
        self, first_seconds: float = 0.1, longest_seconds: float = 30.0, seed: int | None = None
    ) -> None:
        self._first_seconds = first_seconds
        self._longest_seconds = longest_seconds
        self._random = random.Random(seed)
        self._failures = 0

    def succeeded(self) -> None:
        self._failures = 0

    def next_seconds(self, advised_seconds: float) -> float:
        """How long to wait now; never less than the sink advises."""
        doubled = self._first_seconds * 2.0 ** min(self._failures, 30)
        self._failures += 1
        whole = min(doubled, self._longest_seconds)
        return max(advised_seconds, whole * self._random.uniform(0.5, 1.0))


def advised_seconds(retry_after: str, now: Callable[[], float] = time.time) -> float:
    """What a ``Retry-After`` asks for: seconds or a date; 0 when it cannot be read."""
    if retry_after.isascii() and retry_after.isdigit():
        return min(float(retry_after), _LONGEST_ADVICE_SECONDS)
    try:
        until = parsedate_to_datetime(retry_after).timestamp()
    except (ValueError, TypeError):
        return 0.0
    return min(max(0.0, until - now()), _LONGEST_ADVICE_SECONDS)


def _beginning(answer: httpx.Response) -> str:
    read = b""
    for chunk in answer.iter_raw():
        read += chunk
        if len(read) > _ANSWER_BYTES:
            break
    return read[:200].decode(errors="replace")


def _judge(answer: httpx.Response, message: str) -> None:
    status = answer.status_code
    if 200 <= status < 300:
        return
    reason = _TRY_AGAIN.get(status) or (BROKEN if status >= 500 else None)
    if reason is None:
        raise SinkRefused(message)
    raise SinkFailed(message, reason, advised_seconds(answer.headers.get("retry-after", "")))
