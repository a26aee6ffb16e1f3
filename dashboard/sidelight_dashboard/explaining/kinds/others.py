"""What has no form of its own here: another library's, or one of a later release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sidelight_dashboard.explaining.shown import Cell, Json, Shown, Table
from sidelight_dashboard.words.wording import Wording, value_words

_TOLD = ("model", "content", "quality")
_LONGEST = 20
"""Members of a list that are shown by their first ones."""


def shown_other(data: Json, _wording: Wording) -> Shown:
    """A table of its members; the JSON has all."""
    rows = tuple(_rows(data))
    if not rows:
        return Shown(
            (
                "Columns of this model are redacted, and what this method says cannot be taken"
                " apart, so it is not shown.",
            )
        )
    return Shown(
        ("This method answers in a form of its own.",),
        tables=(Table("What it says", ("", "value"), rows),),
    )


def _rows(data: Json) -> Iterator[tuple[Cell, ...]]:
    for name, value in data.items():
        if name not in _TOLD and value is not None:
            yield Cell(name), Cell(_words(value))


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{len(value)} members"
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) > _LONGEST:
        return f"{len(value):,} values"
    return value_words(value)
