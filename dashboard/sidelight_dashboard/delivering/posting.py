"""One post, and what its receiver made of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp

from sidelight import __version__
from sidelight.tokens import TokenLost
from sidelight_dashboard.delivering.receiver import Receiver

TOLD_BYTES = 200
"""Of an error's answer."""

_HEADERS = {"user-agent": f"sidelight/{__version__}"}

_FINAL = (400, 413, 415, 422)
"""Speak of what was posted, not of the address or the login: a try later gives the same."""


@dataclass(frozen=True)
class Failed:
    """Why it was not taken; not before `after_seconds`, and never again if `is_final`."""

    reason: str
    after_seconds: float = 0.0
    is_final: bool = False


async def post(session: aiohttp.ClientSession, receiver: Receiver, body: bytes) -> Failed | None:
    """None once it is taken. No address is told: it may hold a secret."""
    timeout = aiohttp.ClientTimeout(receiver.settings.timeout_seconds)
    try:
        headers = _HEADERS | {"content-type": receiver.form.content_type} | _login(receiver.token)
        async with session.post(
            receiver.url, data=body, headers=headers, timeout=timeout, allow_redirects=False
        ) as answer:
            return await _read(answer)
    except TimeoutError:
        return Failed(f"no answer within {receiver.settings.timeout_seconds:g} s")
    except TokenLost as exc:
        return Failed(str(exc))
    except (aiohttp.ClientError, OSError, ValueError) as exc:
        return Failed(_cause(exc))


def _login(token: Callable[[], str]) -> dict[str, str]:
    told = token()
    return {"authorization": f"Bearer {told}"} if told else {}


async def _read(answer: aiohttp.ClientResponse) -> Failed | None:
    status = answer.status
    if status < 300:
        return None
    if status < 400:
        return Failed(f"it answers {status} and sends us elsewhere; name its own address in 'url'")
    said = (await answer.content.read(TOLD_BYTES)).decode("utf-8", "replace").strip()
    reason = f"it answers {status}" + (f": {said}" if said else "")
    advised = advised_seconds(answer.headers.get("retry-after", ""), datetime.now(UTC))
    return Failed(reason, advised, status in _FINAL)


def advised_seconds(header: str, now: datetime) -> float:
    """Of ``Retry-After``: seconds, or a date (RFC 9110, 10.2.3); 0 when it says nothing."""
    try:
        seconds = float(header)
    except ValueError:
        try:
            told = parsedate_to_datetime(header)
        except ValueError:
            return 0.0
        seconds = (told.replace(tzinfo=told.tzinfo or UTC) - now).total_seconds()
    return max(seconds, 0.0) if math.isfinite(seconds) else 0.0


def _cause(error: BaseException) -> str:
    if isinstance(error, aiohttp.InvalidURL):
        return "its 'url' is no address"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection ({error.os_error.strerror or type(error).__name__})"
    return f"no answer ({type(error).__name__})"
