"""Answers only by its own names.

A page of another site can have its own name point to this address, and would then be taken by
the browser for ours (DNS rebinding). An attacker cannot do that with an address, or with a name
without a dot.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from sidelight.config.addresses import Listen
from sidelight.config.showing.service import DashboardSettings
from sidelight.serving.answers import json_answer


@dataclass(frozen=True)
class Names:
    """Lower case, without ports."""

    own: frozenset[str]

    def has(self, host: str) -> bool:
        """Of a ``Host`` header."""
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            return False
        return name is not None and ("." not in name or name in self.own or _is_address(name))


def names_of(settings: DashboardSettings) -> Names:
    """Those of `listen`, of `public_url`, and `allowed_hosts`."""
    public = urlsplit(settings.public_url or "").hostname
    named = (Listen.parse(settings.listen).host, public or "", *settings.allowed_hosts)
    return Names(frozenset(name.lower() for name in named if name))


class OwnNames:
    """The app, for requests to one of its names."""

    def __init__(self, app: ASGIApp, names: Names) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http":
            host = Request(scope).headers.get("host", "")
            if not self._names.has(host):
                told = f"{host[:80]!r} is not a name of this dashboard"
                told += "; list it in dashboard.allowed_hosts"
                app = json_answer({"error": told}, 421)
        await app(scope, receive, send)


def _is_address(name: str) -> bool:
    with suppress(ValueError):
        ip_address(name)
        return True
    return False
