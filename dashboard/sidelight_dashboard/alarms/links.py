"""From an alarm to the pages that show it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from sidelight_dashboard.alarms.naming import room_of, runbook_of
from sidelight_dashboard.alarms.one import OneAlarm
from sidelight_dashboard.times import iso


@dataclass(frozen=True)
class Links:
    """Addresses for one alarm; `runbooks` is where the repository's files are read, may be empty.

    Pages of a model show the rows that were judged.
    """

    told: OneAlarm
    runbooks: str = ""

    @property
    def room(self) -> str:
        """``drift``, ``attacks`` or ``bias``."""
        return room_of(self.told.alarm.detector)

    @property
    def page(self) -> str:
        """What the detector judged, or the episode of an attack."""
        is_episode = self.room == "attacks"
        return self._page(self.room, episode=self.told.alarm.id if is_episode else "")

    @property
    def outliers(self) -> str:
        return self._page("outliers")

    def feature(self, column: str, segment: str) -> str:
        """One column beside its reference."""
        return self._page("drift", feature=column, segment=segment)

    @property
    def runbook(self) -> str:
        """Empty where it is not known where the runbooks are."""
        place = runbook_of(self.told.alarm.detector)
        return f"{self.runbooks.rstrip('/')}/{place}" if self.runbooks else ""

    def _page(self, room: str, **asked: str) -> str:
        alarm, window = self.told.alarm, self.told.window
        if window is not None:
            asked |= {"from": iso(window.begin_ns), "to": iso(window.end_ns)}
        query = {"version": alarm.version, **asked}
        told = urlencode({name: value for name, value in query.items() if value})
        return f"/models/{quote(alarm.model, safe='')}/{room}" + (f"?{told}" if told else "")
