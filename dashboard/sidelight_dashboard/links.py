"""Addresses of the dashboard's pages."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from sidelight.config.addresses import Listen
from sidelight.config.showing.service import DashboardSettings


def url_of(settings: DashboardSettings) -> str:
    """`public_url`, else where it listens; without a slash at the end."""
    if settings.public_url is not None:
        return settings.public_url.rstrip("/")
    url = Listen.parse(settings.listen).url
    return url if settings.cert_file is None else url.replace("http://", "https://", 1)


def query(**asked: str | int) -> str:
    """What a page is asked for; nothing is said of what is empty."""
    return urlencode({name: value for name, value in asked.items() if value})


def page_of(model: str, room: str, asked: str = "") -> str:
    """``/models/income/drift?version=2``."""
    return f"/models/{quote(model, safe='')}/{room}" + (f"?{asked}" if asked else "")


def row_page(exchange: str, row: int) -> str:
    """Of one row of the exchange at that address."""
    return f"/rows/{exchange}/{row}"
