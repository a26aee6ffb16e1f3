"""Dead letters into `dead_letter`: counted, and the newest kept in short."""

from __future__ import annotations

import apsw

from sidelight.events.deadletters import DeadLetter
from sidelight_dashboard.following.packing import text
from sidelight_dashboard.following.wire import checked_time
from sidelight_dashboard.times import HOUR_NS


def fold_letter(series: apsw.Connection, letter: DeadLetter) -> None:
    """Its payload stays where it is: `origin` leads there."""
    series.execute(
        "INSERT INTO dead_letter (reporter, reason, hour_ns, count, newest) VALUES (?, ?, ?, 1, ?)"
        " ON CONFLICT DO UPDATE SET count = count + 1, newest = excluded.newest",
        (
            letter.reporter,
            letter.error,
            checked_time(letter.time_ns) // HOUR_NS * HOUR_NS,
            text({"origin": letter.origin, "time_ns": letter.time_ns, "message": letter.message}),
        ),
    )
