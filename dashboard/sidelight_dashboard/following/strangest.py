"""How many flagged rows are kept: the strangest of each while."""

from __future__ import annotations

from dataclasses import dataclass, field

import apsw

from sidelight_dashboard.following.wire import Row, Told
from sidelight_dashboard.store.rows import found
from sidelight_dashboard.times import NS

WHILE_NS = 300 * NS
ROWS_A_WHILE = 1000
"""Kept of five minutes, of one detector and version."""


@dataclass
class Whiles:
    """Those that a batch of records flagged rows of: bounded together, since each costs a sort."""

    seen: set[tuple[str, str, int]] = field(default_factory=set)

    def see(self, told: Told) -> None:
        if isinstance(told.content, Row):
            begin_ns = told.time_ns // WHILE_NS * WHILE_NS
            self.seen.add((told.meta.model, told.meta.detector, begin_ns))

    def bound(self, series: apsw.Connection) -> None:
        """Keep no more of each than may be."""
        for model, detector, begin_ns in sorted(self.seen):
            _bound(series, (model, detector, begin_ns, begin_ns + WHILE_NS))


def _bound(series: apsw.Connection, given: tuple[str, str, int, int]) -> None:
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
