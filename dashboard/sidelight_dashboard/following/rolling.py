"""What is old becomes coarse: slots are added up by hours, windows and rows become few.

Whatever order records came in, and wherever a transaction ended, the same is left in the end: sums
and bests of a while do not depend on their order, and late ones are rolled up when they come.
"""

from __future__ import annotations

from dataclasses import replace

import apsw

from sidelight.panes import PaneReader
from sidelight_dashboard.following.slots import SlotKey, put_slot, slots_in, summed_that_fit
from sidelight_dashboard.following.strangest import keep_strangest
from sidelight_dashboard.store.rows import found
from sidelight_dashboard.times import HOUR_NS

NEWEST_AN_HOUR = 4
"""Judged windows kept of an hour, of one detector, version, segment and plan; and the worst."""

ROWS_AN_HOUR = 10
"""Flagged rows kept of an hour, the strangest of one detector and version."""


def roll_up(series: apsw.Connection, panes: PaneReader, model: str, before_ns: int) -> None:
    """All of the model that lies before; `before_ns` is the begin of an hour."""
    _slots(series, panes, model, before_ns)
    # Points come with their window, and there are many series to look through.
    if _windows(series, model, before_ns):
        _points(series, model, before_ns)
    _rows(series, model, before_ns)


def _slots(series: apsw.Connection, panes: PaneReader, model: str, before_ns: int) -> None:
    hours = found(
        series,
        # The length as the index `slot_fine` tells it, so that only what it holds is looked at.
        "SELECT DISTINCT version, plan, segment, begin_ns / ? FROM slot"
        " WHERE model = ? AND begin_ns < ? AND length_ns < 3600000000000",
        (HOUR_NS, model, before_ns),
    )
    for version, plan, segment, hour in hours:
        key = SlotKey(model, version, plan, segment, hour * HOUR_NS)
        whole, _ = summed_that_fit(panes, slots_in(series, key, key.begin_ns + HOUR_NS))
        series.execute(
            "DELETE FROM slot WHERE (model, version, plan, segment) = (?, ?, ?, ?)"
            " AND begin_ns > ? AND begin_ns < ?",
            (model, version, plan, segment, key.begin_ns, key.begin_ns + HOUR_NS),
        )
        put_slot(series, key, replace(whole, length_ns=max(HOUR_NS, whole.length_ns)))


def _points(series: apsw.Connection, model: str, before_ns: int) -> None:
    hours = found(
        series,
        "SELECT DISTINCT id, end_ns / ? FROM series CROSS JOIN point INDEXED BY point_fine"
        " ON series = id WHERE model = ? AND is_fine AND end_ns < ?",
        (HOUR_NS, model, before_ns),
    )
    for id_, hour in hours:
        _roll_points(series, id_, hour * HOUR_NS)


def _roll_points(series: apsw.Connection, id_: int, begin_ns: int) -> None:
    """The worst window: what is surely large first, then the largest."""
    hour = (id_, begin_ns, begin_ns + HOUR_NS)
    rolled = found(
        series,
        "SELECT max(end_ns) OVER whole, min(begin_ns) OVER whole, sum(windows) OVER whole,"
        " sum(drifted) OVER whole, sum(rows) OVER whole, effect, min(effect_least) OVER whole,"
        " low, high, distance, p_value, p_threshold, tolerance FROM point"
        " WHERE series = ? AND end_ns >= ? AND end_ns < ? WINDOW whole AS ()"
        " ORDER BY low DESC, effect DESC, high, distance, p_value, p_threshold, tolerance LIMIT 1",
        hour,
    )
    series.execute("DELETE FROM point WHERE series = ? AND end_ns >= ? AND end_ns < ?", hour)
    series.execute(
        "INSERT INTO point (series, end_ns, begin_ns, windows, drifted, rows, effect,"
        " effect_least, low, high, distance, p_value, p_threshold, tolerance, is_fine)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
        (id_, *rolled[0]),
    )


def _windows(series: apsw.Connection, model: str, before_ns: int) -> bool:
    """Whether there were any that had not been rolled up."""
    hours = found(
        series,
        "SELECT DISTINCT detector, end_ns / ? FROM judged"
        " WHERE model = ? AND is_fine AND end_ns < ?",
        (HOUR_NS, model, before_ns),
    )
    for detector, hour in hours:
        given = (model, detector, hour * HOUR_NS, (hour + 1) * HOUR_NS)
        _drop_earlier_tellings(series, given)
        _keep_few(series, given)
        series.execute(
            "UPDATE judged SET is_fine = 0"
            " WHERE model = ? AND detector = ? AND end_ns >= ? AND end_ns < ?",
            given,
        )
    return bool(hours)


Hour = tuple[str, str, int, int]
"""Model, detector, begin and end."""


def _drop_earlier_tellings(series: apsw.Connection, hour: Hour) -> None:
    """A window is told again as labels come; what the log has last counts."""
    series.execute(
        "DELETE FROM judged WHERE id IN (SELECT id FROM (SELECT id,"
        " row_number() OVER (PARTITION BY version, segment, against, plan, end_ns"
        "  ORDER BY length(address) DESC, address DESC, id) AS telling"
        " FROM judged WHERE model = ? AND detector = ? AND end_ns >= ? AND end_ns < ?)"
        " WHERE telling > 1)",
        hour,
    )


def _keep_few(series: apsw.Connection, hour: Hour) -> None:
    series.execute(
        "DELETE FROM judged WHERE id IN (SELECT id FROM (SELECT id,"
        " row_number() OVER (PARTITION BY version, segment, against, plan"
        "  ORDER BY is_drift DESC, evidence DESC, end_ns DESC, id) AS worst,"
        " row_number() OVER (PARTITION BY version, segment, against, plan"
        "  ORDER BY end_ns DESC, id) AS newest"
        " FROM judged WHERE model = ? AND detector = ? AND end_ns >= ? AND end_ns < ?)"
        " WHERE worst > 1 AND newest > ?)",
        (*hour, NEWEST_AN_HOUR),
    )


def _rows(series: apsw.Connection, model: str, before_ns: int) -> None:
    hours = found(
        series,
        "SELECT DISTINCT detector, time_ns / ? FROM flagged"
        " WHERE model = ? AND is_fine AND time_ns < ?",
        (HOUR_NS, model, before_ns),
    )
    for detector, hour in hours:
        given = (model, detector, hour * HOUR_NS, (hour + 1) * HOUR_NS)
        keep_strangest(series, *given, ROWS_AN_HOUR)
        series.execute(
            "UPDATE flagged SET is_fine = 0"
            " WHERE model = ? AND detector = ? AND time_ns >= ? AND time_ns < ?",
            given,
        )
