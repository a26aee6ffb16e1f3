"""Lets in who shows the service's token; everybody, where none is configured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hmac import compare_digest

from starlette.types import ASGIApp, Receive, Scope, Send

from sidelight.config.explaining.service import ExplainersSettings
from sidelight.errors import ConfigError, SidelightError
from sidelight.serving.answers import json_answer
from sidelight.serving.refusals import code_of
from sidelight.tokens import TokenFile, TokenLost
from sidelight_explainers.service.refusals import CODES, NotAllowed

OPEN = frozenset({"/", "/metrics", "/v2/health/live", "/v2/health/ready"})
"""For those who watch the process."""
CHALLENGE = {"www-authenticate": 'Bearer realm="sidelight explainers"'}


@dataclass(frozen=True)
class Guard:
    """Knows the token, if there is one; as a file may hold it, at the time of each request."""

    token: Callable[[], str] | None

    def check(self, shown: Sequence[str]) -> None:
        """`shown` are the values of all ``Authorization`` headers of a request.

        Raises `NotAllowed`, `TokenLost`.
        """
        if self.token is None:
            return
        if len(shown) != 1:
            raise NotAllowed("send one header 'Authorization: Bearer TOKEN'")
        scheme, _, given = shown[0].strip().partition(" ")
        try:
            is_token = compare_digest(_bytes(given.strip()), _bytes(self.token()))
        except TokenLost as exc:  # which names a file of ours
            raise TokenLost("the service cannot read its token now; try again later") from exc
        if not is_token or scheme.lower() != "bearer":
            raise NotAllowed("that is not the bearer token of this service")


def guard_of(settings: ExplainersSettings) -> Guard:
    """Raises `ConfigError` for a file without a token."""
    if settings.token is not None:
        return Guard(settings.token.get_secret_value)
    if settings.token_file is None:
        return Guard(None)
    file = TokenFile(settings.token_file)
    try:
        file.token()
    except TokenLost as exc:
        raise ConfigError(f"explainers.token_file: {exc}") from exc
    return Guard(file.token)


class Guarded:
    """The app behind the guard: a request that is not let in is refused before its body is read."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http" and scope["path"] not in OPEN:
            try:
                self._guard.check(_shown(scope))
            except SidelightError as exc:
                code = code_of(exc, CODES)
                app = json_answer({"error": str(exc)}, code, CHALLENGE if code == 401 else None)
        await app(scope, receive, send)


def _shown(scope: Scope) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")
