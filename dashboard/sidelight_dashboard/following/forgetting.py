"""What is too old is forgotten."""

from __future__ import annotations

import apsw

_OF_MODEL = (
    "DELETE FROM slot WHERE model = ? AND begin_ns < ?",
    "DELETE FROM flagged WHERE model = ? AND time_ns < ?",
    "DELETE FROM alarm WHERE model = ? AND cleared_ns < ?",
    "DELETE FROM attack WHERE model = ? AND last_ns < ?",
    "DELETE FROM version WHERE model = ? AND last_ns < ?",
)
_POINTS = "DELETE FROM point WHERE series IN (SELECT id FROM series WHERE model = ?) AND end_ns < ?"


def forget(series: apsw.Connection, model: str, before_ns: int) -> None:
    """All that was told of the model before, save alarms that still stand."""
    given = (model, before_ns)
    for query in _OF_MODEL:
        series.execute(query, given)
    series.execute("DELETE FROM judged WHERE model = ? AND end_ns < ?", given)
    if series.changes():  # Points come with their window, and there are many series to look at.
        series.execute(_POINTS, given)
    series.execute(
        "UPDATE version SET first_ns = max(first_ns, ?) WHERE model = ?", (before_ns, model)
    )


def forget_letters(series: apsw.Connection, before_ns: int) -> None:
    """Of all reporters."""
    series.execute("DELETE FROM dead_letter WHERE hour_ns < ?", (before_ns,))
