"""Browsers that have shown a token have a cookie instead, for a working day or until they leave."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from hashlib import sha256

from sidelight_dashboard.access.tokens import Tokens
from sidelight_dashboard.access.who import Who

LENGTH_SECONDS = 12 * 3600
MOST = 10_000
"""Beyond it the oldest ends."""


class Sessions:
    """In memory: they end with the process. Whose token is no longer known is out at once."""

    def __init__(self, tokens: Tokens, clock: Callable[[], float] = time.monotonic) -> None:
        self._tokens = tokens
        self._clock = clock
        self._lock = threading.Lock()
        self._begun: dict[bytes, tuple[str, float]] = {}

    def begin(self, token: str) -> str:
        """What the cookie holds."""
        cookie = secrets.token_urlsafe(32)
        now = self._clock()
        with self._lock:
            self._forget(now)
            self._begun[_key(cookie)] = (token, now + LENGTH_SECONDS)
        return cookie

    def who(self, cookie: str) -> Who | None:
        """Raises `TokenLost`."""
        token, until = self._begun.get(_key(cookie), ("", 0.0))
        return self._tokens.bearer(token) if self._clock() < until else None

    def end(self, cookie: str) -> None:
        with self._lock:
            self._begun.pop(_key(cookie), None)

    def _forget(self, now: float) -> None:
        over = [key for key, (_, until) in self._begun.items() if until <= now]
        kept = len(self._begun) - len(over)
        oldest = list(self._begun)[: kept - MOST + 1] if kept >= MOST else []
        for key in {*over, *oldest}:
            del self._begun[key]


def _key(cookie: str) -> bytes:
    """Looked up by its hash, so that the time a look-up takes tells nothing of what is there."""
    return sha256(cookie.encode("utf-8", "replace")).digest()
