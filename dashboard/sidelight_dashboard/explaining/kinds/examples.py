"""Rows of the reference that are like the explained one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sidelight_dashboard.explaining.kinds.decisions import decided, decision_words, is_side
from sidelight_dashboard.explaining.shown import Cell, Json, Shown, Table
from sidelight_dashboard.words.wording import Wording

MOST = 8
"""Rows that are shown beside the explained one; the JSON has all."""


def shown_examples(data: Json, wording: Wording) -> Shown:
    """The nearest rows as columns, differences marked."""
    nearest = data["examples"][:MOST]
    titles = ("", "this row", *(f"reference row {one['row']}" for one in nearest))
    rows = tuple(_rows(data, nearest, wording))
    return Shown(
        tuple(_sentences(data, wording)),
        tables=(Table("Rows that are most like this one", titles, rows),),
        notes=(f"Nearest of {data['reference_rows']:,} reference rows.",),
    )


def _sentences(data: Json, wording: Wording) -> Iterator[str]:
    yield f"The answer: {decided(wording, data['output'], data['decision'])}."
    near = [one for one in data["examples"] if one["same"] is not None]
    if near:
        same = sum(one["same"] for one in near)
        yield f"Of the {len(near)} nearest reference rows {same} get the same answer."
    known = [one for one in near if one["label"] is not None]
    if known and not is_side(data["decision"]):
        right = sum(one["label"] == data["decision"] for one in known)
        yield f"It came true for {right} of {len(known)} of them."


def _rows(data: Json, nearest: Sequence[Json], wording: Wording) -> Iterator[tuple[Cell, ...]]:
    output = data["output"]
    answers = (data["decision"], *(one["prediction"] for one in nearest))
    yield (Cell("answer"), *(Cell(decision_words(wording, output, one)) for one in answers))
    if any(one["label"] is not None for one in nearest):
        labels = (wording.value(output, one["label"]) for one in nearest)
        yield (Cell("came true"), Cell(""), *map(Cell, labels))
    yield (Cell("distance"), Cell(""), *(Cell(f"{one['distance']:.3g}") for one in nearest))
    for name, value in data["values"].items():
        there = [one["values"].get(name) for one in nearest]
        told = (Cell(wording.value(name, one), one != value) for one in there)
        yield (Cell(wording.column(name)), Cell(wording.value(name, value)), *told)
