"""Where the dashboard keeps its files, and where people find it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sidelight.config.addresses import Listen
from sidelight.config.settings import Settings
from sidelight.config.showing.service import DashboardSettings


def folder_of(settings: Settings) -> Path:
    """As configured, else beside the local log, else in the working folder; one for each log."""
    if settings.dashboard.folder is not None:
        return settings.dashboard.folder
    url = settings.log.url
    named = f"sidelight-{hashlib.sha256(url.encode()).hexdigest()[:12]}" if "://" in url else url
    place = Path(named)
    return place.with_name(place.name + ".dashboard")


def url_of(settings: DashboardSettings) -> str:
    """`public_url`, else where it listens; without a slash at the end."""
    if settings.public_url is not None:
        return settings.public_url.rstrip("/")
    url = Listen.parse(settings.listen).url
    return url if settings.cert_file is None else url.replace("http://", "https://", 1)
