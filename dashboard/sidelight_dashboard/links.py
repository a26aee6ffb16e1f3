"""Addresses of the dashboard's pages."""

from __future__ import annotations

from sidelight.config.addresses import Listen
from sidelight.config.showing.service import DashboardSettings


def url_of(settings: DashboardSettings) -> str:
    """`public_url`, else where it listens; without a slash at the end."""
    if settings.public_url is not None:
        return settings.public_url.rstrip("/")
    url = Listen.parse(settings.listen).url
    return url if settings.cert_file is None else url.replace("http://", "https://", 1)
