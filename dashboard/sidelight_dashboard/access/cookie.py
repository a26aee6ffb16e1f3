"""The cookie of a session: no script reads it, no other site's request carries it."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request, Response

from sidelight.config.addresses import Listen
from sidelight.config.showing.service import DashboardSettings
from sidelight_dashboard.access.sessions import LENGTH_SECONDS


@dataclass(frozen=True)
class Cookie:
    """Named after the port, since browsers share cookies among the ports of a host."""

    name: str
    is_secure: bool

    def read(self, request: Request) -> str:
        return request.cookies.get(self.name, "")

    def give(self, response: Response, session: str) -> None:
        response.set_cookie(
            self.name,
            session,
            max_age=LENGTH_SECONDS,
            path="/",
            secure=self.is_secure,
            httponly=True,
            samesite="strict",
        )

    def take(self, response: Response) -> None:
        response.delete_cookie(
            self.name, path="/", secure=self.is_secure, httponly=True, samesite="strict"
        )


def cookie_of(settings: DashboardSettings) -> Cookie:
    """Only over TLS where people come by TLS."""
    public = settings.public_url or ""
    is_secure = settings.cert_file is not None or public.startswith("https://")
    name = f"sidelight-{Listen.parse(settings.listen).port}"
    return Cookie(f"__Host-{name}" if is_secure else name, is_secure)
