"""What is old, and what is too old: by the log's clock and the newest row of each model."""

from __future__ import annotations

from dataclasses import dataclass

import apsw

from sidelight.config.showing.service import DashboardSettings
from sidelight.panes import PaneReader
from sidelight_dashboard.following.forgetting import forget, forget_letters
from sidelight_dashboard.following.rolling import roll_up
from sidelight_dashboard.store.rows import found
from sidelight_dashboard.times import HOUR_NS, NS


@dataclass(frozen=True)
class Ageing:
    """Rolls up and forgets, within the transaction that made something old.

    A model's time is that of its newest row, but never ahead of the log's clock: neither a replay
    of the past nor a row from the future makes the rest old.
    """

    settings: DashboardSettings
    panes: PaneReader

    def age(self, series: apsw.Connection) -> None:
        """Whatever there is now."""
        fine, keep = self.settings.fine_seconds, self.settings.keep_seconds
        ((log_ns,),) = found(series, "SELECT coalesce(max(appended_ns), 0) FROM chain", ())
        forget_letters(series, _before(log_ns, keep))
        for model, newest_ns in found(series, _NEWEST, ()):
            now_ns = min(newest_ns, log_ns)
            forget(series, model, _before(now_ns, keep))
            roll_up(series, self.panes, model, _before(now_ns, fine))


_NEWEST = "SELECT model, max(last_ns) FROM version GROUP BY model"


def _before(now_ns: int, seconds: float) -> int:
    """The begin of the hour that holds the moment so many seconds ago."""
    return max(0, (now_ns - int(seconds * NS)) // HOUR_NS * HOUR_NS)
