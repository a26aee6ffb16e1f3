"""Opens the engine that a log address names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sidelight.errors import ConfigError
from sidelight.log.contract import Log

if TYPE_CHECKING:
    from sidelight.config.settings import LogSettings


def open_log(log: LogSettings | str | Path) -> Log:
    """Open the log, making it if there is none.

    Each engine is imported only when an address names it.
    """
    from sidelight.config.settings import LogSettings

    settings = log if isinstance(log, LogSettings) else LogSettings(url=str(log))
    scheme, separator, _ = settings.url.partition("://")
    if separator:
        raise ConfigError(
            f"log: {settings.url!r}: this build has only the local log, not {scheme!r}; "
            "name a folder, such as 'sidelight.db'"
        )
    from sidelight.log.local import LocalLog

    return LocalLog(settings)
