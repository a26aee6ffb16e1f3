"""How many flagged rows are kept: the strangest of each while."""

from __future__ import annotations

import apsw

from sidelight_dashboard.store.rows import found
from sidelight_dashboard.times import NS

WHILE_NS = 300 * NS
ROWS_A_WHILE = 1000
"""Kept of five minutes, of one detector and version."""


def bound_while(series: apsw.Connection, model: str, detector: str, time_ns: int) -> None:
    """Keep no more than may be of the five minutes around that time."""
    begin_ns = time_ns // WHILE_NS * WHILE_NS
    given = (model, detector, begin_ns, begin_ns + WHILE_NS)
    query = (
        "SELECT count(*) FROM flagged"
        " WHERE model = ? AND detector = ? AND time_ns >= ? AND time_ns < ?"
    )
    ((count,),) = found(series, query, given)
    if count > ROWS_A_WHILE:
        keep_strangest(series, *given, ROWS_A_WHILE)


def keep_strangest(
    series: apsw.Connection, model: str, detector: str, begin_ns: int, end_ns: int, count: int
) -> None:
    """Of the rows flagged between the two times, so many of each version."""
    series.execute(
        "DELETE FROM flagged WHERE id IN (SELECT id FROM (SELECT id,"
        " row_number() OVER (PARTITION BY version ORDER BY score DESC, id) AS place FROM flagged"
        " WHERE model = ? AND detector = ? AND time_ns >= ? AND time_ns < ?) WHERE place > ?)",
        (model, detector, begin_ns, end_ns, count),
    )
