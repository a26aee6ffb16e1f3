"""A log that is opened when something is appended first: its brokers may not be up yet."""

from __future__ import annotations

from collections.abc import Sequence

from sidelight.config.settings import LogSettings
from sidelight.errors import ConfigError, LogDenied
from sidelight.log import Log, open_log
from sidelight.log.contract import Address, Record


class OnDemand:
    """A `Writer`; what keeps the log from being opened is raised by `append`."""

    def __init__(self, settings: LogSettings) -> None:
        self._settings = settings
        self._log: Log | None = None

    def append(
        self, topic: str, records: Sequence[Record], *, partition: int | None = None
    ) -> list[Address]:
        return self._opened().append(topic, records, partition=partition)

    def close(self) -> None:
        if self._log is not None:
            self._log.close()

    def _opened(self) -> Log:
        if self._log is None:
            try:
                self._log = open_log(self._settings)
            except ConfigError as exc:  # A password's or certificate's file may still be mounted.
                raise LogDenied(str(exc)) from exc
        return self._log
