"""Model versions seen in rows and windows, and from when to when."""

from __future__ import annotations

import apsw


def see_version(
    series: apsw.Connection, model: str, version: str, first_ns: int, last_ns: int
) -> None:
    """It was there at these times too."""
    series.execute(
        "INSERT INTO version (model, version, first_ns, last_ns) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET"
        " first_ns = min(first_ns, excluded.first_ns), last_ns = max(last_ns, excluded.last_ns)",
        (model, version, first_ns, last_ns),
    )
