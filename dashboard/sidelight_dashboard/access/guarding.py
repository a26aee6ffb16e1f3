"""Lets in who shows a token or has a session; everybody, where no tokens are configured."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from sidelight.errors import SidelightError
from sidelight.serving.answers import json_answer
from sidelight.serving.refusals import code_of
from sidelight_dashboard.access.cookie import Cookie
from sidelight_dashboard.access.origins import changes
from sidelight_dashboard.access.sessions import Sessions
from sidelight_dashboard.access.tokens import Tokens
from sidelight_dashboard.access.who import ANYBODY, NOBODY, Who
from sidelight_dashboard.refusals import CODES, Forbidden, NotAllowed

OPEN = frozenset({"/healthz", "/login", "/logout", "/metrics", "/readyz"})
"""For those who watch the process, and those who come in or leave."""
CHALLENGE = {"www-authenticate": 'Bearer realm="sidelight dashboard"'}


@dataclass(frozen=True)
class Door:
    """What is known of those who may come in."""

    tokens: Tokens
    sessions: Sessions
    cookie: Cookie

    def who(self, request: Request) -> Who:
        """Raises `NotAllowed`, `Forbidden`, `TokenLost`."""
        if not self.tokens.are_asked_for:
            return ANYBODY
        path: str = request.scope["path"]  # what is routed by: the url is made of the Host too
        if path in OPEN or path.startswith("/static/"):
            return NOBODY
        who = self._shown(request)
        if who is None:
            raise NotAllowed(_wanted(request))
        if changes(request) and not who.may_explain:
            raise Forbidden(f"the token {who.name!r} may read; this needs the scope 'explain'")
        return who

    def _shown(self, request: Request) -> Who | None:
        headers = request.headers.getlist("authorization")
        if not headers:
            return self.sessions.who(self.cookie.read(request))
        scheme, _, given = headers[0].strip().partition(" ")
        if len(headers) > 1 or scheme.lower() != "bearer":
            return None
        return self.tokens.bearer(given.strip())


def _wanted(request: Request) -> str:
    wanted = "send 'Authorization: Bearer TOKEN' with a token of this dashboard"
    if "authorization" in request.headers:
        return f"what 'Authorization' holds is no token of this dashboard; {wanted}"
    return wanted


class Guarded:
    """The app behind the door; a request that is not let in is refused before its body is read."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http":
            request = Request(scope)
            try:
                request.state.who = self._door.who(request)
            except SidelightError as exc:
                app = _refusal(request, exc)
        await app(scope, receive, send)


def wants_page(request: Request) -> bool:
    """Whether a person looks at the answer."""
    path = request.url.path
    return not path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def _refusal(request: Request, error: SidelightError) -> Response:
    code = code_of(error, CODES)
    if code == 401 and wants_page(request) and not changes(request):
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/login?{urlencode({'next': asked})}", 303)
    return json_answer({"error": str(error)}, code, CHALLENGE if code == 401 else None)
