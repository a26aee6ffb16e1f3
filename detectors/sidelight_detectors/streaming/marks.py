"""High-water marks: what was seen of each log, so that a record sent twice counts once."""

from __future__ import annotations

from collections.abc import Mapping

from sidelight.events import Exchange

MAX_LOGS = 1024
"""Logs remembered; the one silent for longest is forgotten first."""


class Marks:
    """The highest sequence seen of each log id."""

    def __init__(self, saved: Mapping[str, int]) -> None:
        self._highest = dict(saved)

    def is_new(self, exchange: Exchange) -> bool:
        """Whether the exchange was not seen yet; from now on it was.

        An exchange without log id or sequence is always new.
        """
        if not (exchange.log_id and exchange.sequence):
            return True
        # Taken out and put back at the end: the first key is the log silent for longest.
        highest = self._highest.pop(exchange.log_id, 0)
        self._highest[exchange.log_id] = max(highest, exchange.sequence)
        if len(self._highest) > MAX_LOGS:
            self._highest.pop(next(iter(self._highest)))
        return exchange.sequence > highest

    def saved(self) -> dict[str, int]:
        return dict(self._highest)
