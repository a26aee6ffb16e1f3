"""Opens the engine that a log address names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sidelight.errors import ConfigError, MissingExtra
from sidelight.log.contract import Log

if TYPE_CHECKING:
    from sidelight.config.settings import LogSettings


def open_log(log: LogSettings | str | Path) -> Log:
    """Open the log, making a local one if there is none.

    Each engine is imported only when an address names it.
    """
    from sidelight.config.brokers import is_kafka
    from sidelight.config.settings import LogSettings

    settings = log if isinstance(log, LogSettings) else LogSettings(url=str(log))
    if is_kafka(settings.url):
        return _on_kafka(settings)
    scheme, separator, _ = settings.url.partition("://")
    if separator:
        raise ConfigError(
            f"log: {settings.url!r}: there is no log of the kind {scheme!r}; "
            "name a folder, such as 'sidelight.db', or 'kafka://HOST:PORT/PREFIX'"
        )
    from sidelight.log.local import LocalLog

    return LocalLog(settings)


def _on_kafka(settings: LogSettings) -> Log:
    try:
        import kafka  # noqa: F401 - absent or not, before anything of ours needs it
    except ImportError as exc:
        raise MissingExtra(
            f"log: {settings.url!r} needs kafka-python; pip install 'sidelight[kafka]'"
        ) from exc
    from sidelight.log.kafka.checksums import require_fast_checksums
    from sidelight.log.kafka.engine import KafkaLog

    require_fast_checksums()
    return KafkaLog(settings)
