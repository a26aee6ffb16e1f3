"""From an alarm to the pages that show it."""

from __future__ import annotations

from dataclasses import dataclass

from sidelight_dashboard.alarms.naming import room_of, runbook_of
from sidelight_dashboard.alarms.one import OneAlarm, Window
from sidelight_dashboard.links import page_of, query
from sidelight_dashboard.times import iso

BEFORE, AFTER = 20, 2
"""Lengths of the judged window around it: how it came, and what followed."""


@dataclass(frozen=True)
class Links:
    """Addresses for one alarm; `runbooks` is where the repository's files are read, may be
    empty."""

    told: OneAlarm
    runbooks: str = ""

    @property
    def room(self) -> str:
        """``drift``, ``attacks`` or ``bias``."""
        return room_of(self.told.alarm.detector)

    @property
    def page(self) -> str:
        """What the detector judged before and after, or the episode of an attack."""
        if self.room == "attacks":
            return self._page(self.room, episode=self.told.alarm.id)
        return self._page(self.room, **_times(self.told.window, BEFORE, AFTER))

    @property
    def outliers(self) -> str:
        """The strange rows among those that were judged."""
        return self._page("outliers", **_times(self.told.window))

    def feature(self, column: str, segment: str) -> str:
        """One column beside its reference, of the rows that were judged."""
        asked = {"feature": column, "segment": segment, "rows": "all"}
        return self._page("drift", **asked, **_times(self.told.window))

    @property
    def runbook(self) -> str:
        """Empty where it is not known where the runbooks are."""
        place = runbook_of(self.told.alarm.detector)
        return f"{self.runbooks.rstrip('/')}/{place}" if self.runbooks else ""

    def _page(self, room: str, **asked: str) -> str:
        alarm = self.told.alarm
        return page_of(alarm.model, room, query(version=alarm.version, **asked))


def _times(window: Window | None, before: int = 0, after: int = 0) -> dict[str, str]:
    """Of the window, and so many times its length before and after it."""
    if window is None:
        return {}
    length_ns = window.end_ns - window.begin_ns
    begin_ns = max(window.begin_ns - before * length_ns, 0)
    return {"from": iso(begin_ns), "to": iso(window.end_ns + after * length_ns)}
