"""Where the store is kept."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sidelight.config.settings import Settings


def folder_of(settings: Settings) -> Path:
    """As configured, else beside the local log, else in the working folder; one for each log."""
    if settings.dashboard.folder is not None:
        return settings.dashboard.folder
    url = settings.log.url
    named = f"sidelight-{hashlib.sha256(url.encode()).hexdigest()[:12]}" if "://" in url else url
    place = Path(named)
    return place.with_name(place.name + ".dashboard")
