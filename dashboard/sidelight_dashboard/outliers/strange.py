"""Flagged rows as the detectors told them: the worst and the newest of a stretch of time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import orjson

from sidelight_dashboard.hiding import Hidden, hidden_of
from sidelight_dashboard.links import row_page
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.store.opening import Row, Store

Order = Literal["worst", "newest"]

_ORDERS = {"worst": "score DESC, time_ns DESC, id", "newest": "time_ns DESC, score DESC, id"}


@dataclass(frozen=True, slots=True)
class Part:
    """What one column adds to a row's score; None where that is beyond all numbers."""

    column: str
    score: float | None


@dataclass(frozen=True, slots=True)
class StrangeRow:
    """One flagged row; `row` counts from 0 in the exchange, `parts` are the largest of `score`.

    Flagged by `p_value` against `rate`, or where the detector has no p-values by `score` against
    `threshold`. `reasons` name what is wrong, as ``age: above``, where the detector can.
    """

    exchange: str
    row: int
    version: str
    detector: str
    time_ns: int
    score: float
    p_value: float | None
    rate: float | None
    threshold: float | None
    method: str
    parts: tuple[Part, ...]
    reasons: tuple[str, ...]

    @property
    def path(self) -> str:
        """Of its page."""
        return row_page(self.exchange, self.row)


@dataclass(frozen=True)
class Search:
    """Rows of one model and detector with event times from `begin_ns` up to, and with, `end_ns`;
    of every version where none is named."""

    model: str
    detector: str
    begin_ns: int
    end_ns: int
    version: str = ""

    @property
    def _where(self) -> str:
        of_version = " AND version = :version" if self.version else ""
        return (
            "FROM flagged WHERE model = :model AND detector = :detector"
            f" AND time_ns BETWEEN :begin AND :end{of_version}"
        )

    @property
    def _given(self) -> dict[str, str | int]:
        return {
            "model": self.model,
            "detector": self.detector,
            "begin": self.begin_ns,
            "end": self.end_ns,
            "version": self.version,
        }

    def count(self, store: Store) -> int:
        ((found,),) = store.series.rows(f"SELECT count(*) {self._where}", self._given)
        return int(found)

    def rows(self, showing: Showing, order: Order, most: int, first: int = 0) -> list[StrangeRow]:
        """At most `most` of them, after the `first` ones of that order; nothing is said of columns
        that redaction drops."""
        query = (
            "SELECT exchange, row, version, detector, time_ns, score, p_value, rate, threshold,"
            f" method, contributions, reasons {self._where} ORDER BY {_ORDERS[order]}"
            " LIMIT :most OFFSET :first"
        )
        found = showing.store.series.rows(query, self._given | {"most": most, "first": first})
        hidden = hidden_of(showing.settings.models[self.model])
        return [_row(one, hidden) for one in found]


def _row(found: Row, hidden: Hidden) -> StrangeRow:
    *told, contributions, reasons = found
    parts = (Part(*part) for part in orjson.loads(contributions).items() if part[0] not in hidden)
    wrong = (reason for reason in orjson.loads(reasons) if column_of(reason) not in hidden)
    ranked = tuple(sorted(parts, key=lambda part: -_unbounded(part.score)))
    return StrangeRow(*(*told, ranked, tuple(wrong)))


def _unbounded(score: float | None) -> float:
    return math.inf if score is None else score


def column_of(reason: str) -> str:
    """Of ``age: above`` it is ``age``; empty where no column is to blame."""
    return reason.rpartition(": ")[0]


def strangest(
    showing: Showing, model: str, version: str, begin_ns: int, end_ns: int, most: int
) -> tuple[StrangeRow, ...]:
    """Of all detectors together. Scores of two say nothing beside each other, p-values do; who has
    none comes last."""
    detectors = showing.store.series.rows(
        "SELECT DISTINCT detector FROM flagged WHERE model = ?", (model,)
    )
    searches = (Search(model, detector, begin_ns, end_ns, version) for (detector,) in detectors)
    found = [row for search in searches for row in search.rows(showing, "worst", most)]
    found.sort(key=lambda one: (_last(one.p_value), one.detector, -one.score))
    return tuple(found[:most])


def _last(p_value: float | None) -> float:
    return 1.0 if p_value is None else p_value


@dataclass(frozen=True, slots=True)
class Blame:
    """A column, and in how many of the rows it is to blame."""

    what: str
    rows: int


def blamed(rows: Iterable[StrangeRow]) -> tuple[Blame, ...]:
    """What is wrong with a column where that was told, else the column that adds most to the
    score; the commonest first."""
    counts: dict[str, int] = {}
    for row in rows:
        for what in tuple(filter(column_of, row.reasons)) or _largest(row.parts):
            counts[what] = counts.get(what, 0) + 1
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return tuple(Blame(*one) for one in ranked)


def _largest(parts: Sequence[Part]) -> tuple[str, ...]:
    return tuple(part.column for part in parts[:1] if part.score != 0)
