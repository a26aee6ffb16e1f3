"""Results into `judged`, `series`, `point`, `flagged`, `attack`, `plan`."""

from __future__ import annotations

import sys

import apsw

from sidelight_dashboard.following.packing import packed, text
from sidelight_dashboard.following.wire import Attack, Column, Drift, Promise, Row, Told, Window

_UNBOUNDED = sys.float_info.max
"""A score beyond all numbers: JSON knows no infinity."""


def fold_result(series: apsw.Connection, told: Told) -> None:
    """What was told before, by its id, changes nothing."""
    match told.content:
        case Window():
            _window(series, told, told.content)
        case Row():
            _row(series, told, told.content)
        case Attack():
            _attack(series, told, told.content)
        case Promise():
            _promise(series, told, told.content)


def _window(series: apsw.Connection, told: Told, window: Window) -> None:
    about = told.meta
    head = told.data.get("finding", {k: v for k, v in told.data.items() if k not in _PER_COLUMN})
    series.execute(
        f"INSERT OR IGNORE INTO judged VALUES ({_marks(18)})",
        (
            told.id,
            about.model,
            about.version,
            about.segment,
            about.against,
            about.detector,
            about.plan,
            window.times.begin,
            window.times.end,
            window.rows,
            window.flagged,
            window.is_drift,
            window.refused,
            window.e_value,
            window.e_value_threshold,
            window.promise,
            told.address,
            packed(head),
        ),
    )
    if isinstance(window, Drift) and series.changes():
        for column in window.columns:
            _point(series, told, window, column)


_PER_COLUMN = ("columns", "distance", "p_val")


def _point(series: apsw.Connection, told: Told, window: Drift, column: Column) -> None:
    id_ = _series(series, told, column)
    series.execute(
        f"INSERT OR REPLACE INTO point VALUES ({_marks(14)})",
        (
            id_,
            window.times.end,
            window.times.begin,
            1,
            int(column.drifted),
            column.rows,
            column.effect,
            column.effect,
            column.low,
            column.high,
            column.distance,
            column.p_value,
            column.threshold,
            window.tolerance,
        ),
    )


def _series(series: apsw.Connection, told: Told, column: Column) -> int:
    about = told.meta
    key = (
        about.model,
        about.version,
        about.segment,
        about.against,
        column.column,
        column.method,
    )
    series.execute(
        "INSERT OR IGNORE INTO series (model, version, segment, against, column, method)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        key,
    )
    found = series.execute(
        "SELECT id FROM series WHERE (model, version, segment, against, column, method)"
        " = (?, ?, ?, ?, ?, ?)",
        key,
    )
    return int(found.fetchall()[0][0])


def _row(series: apsw.Connection, told: Told, row: Row) -> None:
    about = told.meta
    has_p_value = row.p_value is not None
    series.execute(
        f"INSERT OR IGNORE INTO flagged VALUES ({_marks(15)})",
        (
            told.id,
            about.model,
            about.version,
            about.detector,
            row.exchange,
            row.row,
            told.time_ns,
            _UNBOUNDED if row.score is None else row.score,
            row.p_value,
            row.threshold if has_p_value else None,
            row.rate_bound,
            None if has_p_value else row.threshold,
            row.method,
            text(row.contributions),
            text(row.reasons),
        ),
    )


def _attack(series: apsw.Connection, told: Told, attack: Attack) -> None:
    series.execute(
        f"INSERT INTO attack VALUES ({_marks(8)}) ON CONFLICT (episode) DO UPDATE SET"
        " first_ns = excluded.first_ns, last_ns = excluded.last_ns, queries = excluded.queries,"
        " expected = excluded.expected, is_over = excluded.is_over, data = excluded.data"
        " WHERE excluded.queries >= queries AND excluded.is_over >= is_over",
        (
            attack.episode,
            told.meta.model,
            attack.times.begin,
            attack.times.end,
            attack.queries,
            attack.expected,
            attack.is_over,
            packed(told.data),
        ),
    )


def _promise(series: apsw.Connection, told: Told, promise: Promise) -> None:
    about = told.meta
    series.execute(
        f"INSERT OR IGNORE INTO plan VALUES ({_marks(6)})",
        (
            about.model,
            about.version,
            about.plan,
            told.time_ns,
            promise.begins_at,
            promise.promise,
        ),
    )


def _marks(count: int) -> str:
    return ", ".join("?" * count)
