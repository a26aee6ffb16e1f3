"""Refuses what another site has a browser send here.

The rule is that of Go 1.25's ``http.CrossOriginProtection``: a browser says by itself whether a
request is of the same origin; who says nothing of it is no browser, and has no cookie either.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from sidelight.serving.answers import json_answer

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def changes(request: Request) -> bool:
    """Whether it is a request that may change something."""
    return request.method not in _SAFE


class SameOrigin:
    """The app, for changes that our own pages ask for; `public` is that of `public_url`."""

    def __init__(self, app: ASGIApp, public: str) -> None:
        self._app = app
        self._public = public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http" and self._is_foreign(Request(scope)):
            told = "a page of another site asked for this; use the dashboard's own pages"
            app = json_answer({"error": told}, 403)
        await app(scope, receive, send)

    def _is_foreign(self, request: Request) -> bool:
        if not changes(request):
            return False
        site = request.headers.get("sec-fetch-site")
        if site is not None:
            return site not in ("same-origin", "none")
        origin = request.headers.get("origin")
        if origin is None:
            return False
        named = urlsplit(origin).netloc  # none of "null", a page of nowhere
        return not named or named not in (request.headers.get("host"), self._public)
