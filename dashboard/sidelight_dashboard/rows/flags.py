"""What the detectors said of a row."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from sidelight.log.contract import Address
from sidelight_dashboard.hiding import Hidden
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.store.opening import Row


@dataclass(frozen=True)
class Part:
    """A column's part of a detector's score, in the score's unit."""

    column: str
    amount: float


@dataclass(frozen=True)
class Flag:
    """A detector flagged the row: `score` beside `threshold`, or `p_value` beside `rate`."""

    detector: str
    method: str
    score: float
    threshold: float | None
    p_value: float | None
    rate: float | None
    parts: tuple[Part, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Naming:
    """An alarm that names the row, as typical of it or as a query of an attack."""

    id: str
    detector: str
    raised_ns: int
    cleared_ns: int | None
    reason: str


def flags_of(showing: Showing, address: Address, row: int, hidden: Hidden) -> tuple[Flag, ...]:
    """The strangest first; parts of redacted columns are left out."""
    found = showing.store.series.rows(
        "SELECT detector, method, score, threshold, p_value, rate, contributions, reasons"
        " FROM flagged WHERE exchange = ? AND row = ? ORDER BY detector",
        (str(address), row),
    )
    return tuple(_flag(told, hidden) for told in found)


def said_of(flags: tuple[Flag, ...]) -> dict[str, tuple[str, ...]]:
    """By column: its part of each score, and what is wrong with it."""
    told: dict[str, tuple[str, ...]] = {}
    for flag in flags:
        wrong = dict(reason.rpartition(": ")[::2] for reason in flag.reasons)
        for name, words in wrong.items():
            told[name] = (*told.get(name, ()), f"{words} ({flag.detector})")
        for part in flag.parts:
            if part.amount and part.column not in wrong:
                words = f"{part.amount:.3g} of {flag.detector}'s score"
                told[part.column] = (*told.get(part.column, ()), words)
    return told


def flagged_rows(showing: Showing, address: Address) -> frozenset[int]:
    """Which rows of the exchange any detector flagged."""
    found = showing.store.series.rows(
        "SELECT DISTINCT row FROM flagged WHERE exchange = ?", (str(address),)
    )
    return frozenset(row for (row,) in found)


def namings_of(showing: Showing, model: str, address: Address, row: int) -> tuple[Naming, ...]:
    """Alarms that name this very row, newest first."""
    found = showing.store.series.rows(
        "SELECT id, detector, raised_ns, cleared_ns, reason FROM alarm"
        " WHERE model = ? AND EXISTS (SELECT 1 FROM json_each(alarm.typical) AS one"
        "  WHERE one.value ->> 'exchange' = ? AND one.value ->> 'row' = ?)"
        " ORDER BY raised_ns DESC LIMIT 20",
        (model, str(address), row),
    )
    return tuple(Naming(*one) for one in found)


def _flag(told: Row, hidden: Hidden) -> Flag:
    detector, method, score, threshold, p_value, rate, parts, reasons = told
    return Flag(
        detector,
        method,
        score,
        threshold,
        p_value,
        rate,
        _parts(parts, hidden),
        _reasons(reasons, hidden),
    )


def _parts(text: str, hidden: Hidden) -> tuple[Part, ...]:
    told: dict[str, float | None] = orjson.loads(text)
    known = ((name, amount or 0.0) for name, amount in told.items())
    shown = (Part(name, amount) for name, amount in known if name not in hidden)
    return tuple(sorted(shown, key=lambda part: -abs(part.amount)))


def _reasons(text: str, hidden: Hidden) -> tuple[str, ...]:
    """Each is ``COLUMN: what is wrong``."""
    reasons: list[str] = orjson.loads(text)
    return tuple(one for one in reasons if one.rpartition(": ")[0] not in hidden)
