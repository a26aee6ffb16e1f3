"""Why a row was flagged, in words, with the values it had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sidelight_dashboard.exchanges.opening import OpenedRow
from sidelight_dashboard.exchanges.reading import Opened, read_rows
from sidelight_dashboard.exchanges.values import json_value
from sidelight_dashboard.outliers.strange import StrangeRow, column_of
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.words.numbers import amount_words
from sidelight_dashboard.words.wording import Wording

READING_SECONDS = 0.5
"""Rows are read from the log for one page no longer than that; later ones are told without
values."""

MOST_PARTS = 3
"""Columns that are told of one row."""

VIOLATIONS: Mapping[str, str] = MappingProxyType(
    {
        "above": "above its range",
        "below": "below its range",
        "unseen": "a category that the reference never held",
        "null": "missing, which the reference never is",
        "nan": "no number, which the reference always is",
        "infinite": "infinite, which the reference never is",
        "fraction": "a fraction, where the reference has whole numbers",
    }
)
"""What the schema detector says of a column."""

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Reason:
    """A column with its value as far as that is known, what is wrong with it where that was told,
    and its part of the score in words."""

    what: str
    wrong: str = ""
    part: str = ""


def reasons(showing: Showing, model: str, rows: Sequence[StrangeRow]) -> list[tuple[Reason, ...]]:
    """Of each row, with values as long as reading them is quick."""
    wording = Wording(showing.settings.models[model].glossary)
    places = [(row.exchange, row.row) for row in rows]
    opened = read_rows(showing, places, READING_SECONDS)
    return [reasons_of(row, _values(one), wording) for row, one in zip(rows, opened, strict=True)]


def reasons_of(row: StrangeRow, values: Values, wording: Wording) -> tuple[Reason, ...]:
    """What was told to be wrong; unless that names columns, those that add most to the score."""
    told = (violation(reason) for reason in row.reasons)
    wrong = tuple(Reason(_worded(column, values, wording), why) for column, why in told)
    if any(map(column_of, row.reasons)):
        return wrong
    parts = [part for part in row.parts[:MOST_PARTS] if part.score != 0]
    columns = (Reason(_worded(p.column, values, wording), "", amount_words(p.score)) for p in parts)
    return (*wrong, *columns)


def violation(reason: str) -> tuple[str, str]:
    """Of ``age: above`` the column, and the rest in words."""
    column = column_of(reason)
    kind = reason.removeprefix(f"{column}: ")
    return column, VIOLATIONS.get(kind, kind)


def _worded(column: str, values: Values, wording: Wording) -> str:
    return wording.pair(column, values[column]) if column in values else wording.column(column)


def _values(opened: Opened) -> Values:
    """Of its plain columns; nothing where the row is not there any longer."""
    if not isinstance(opened, OpenedRow):
        return {}
    sides = (side for side in (opened.inputs, opened.outputs) if side is not None)
    return {
        column.name: json_value(column) for side in sides for column in side if not column.is_tensor
    }
