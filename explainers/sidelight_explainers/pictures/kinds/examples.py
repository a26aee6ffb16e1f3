"""A table of rows that are like the explained one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sidelight_explainers.contents.examples import Example, Examples
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.pictures.kinds.quality import cost
from sidelight_explainers.pictures.names import Names
from sidelight_explainers.pictures.page import Page, Paragraph, Row, Table
from sidelight_explainers.pictures.wording import counted, cut, number, value_words

MOST = 3
"""Rows that are shown beside the explained one; the JSON has all."""

MOST_FEATURES = 40


def examples_page(content: Examples, explanation: Explanation) -> Page:
    """The nearest rows as columns, differences marked."""
    nearest = content.examples[:MOST]
    names = Names(explanation.glossary)
    blocks = (
        Paragraph(_summary(content, names), strong=True),
        _table(content, nearest, names),
    )
    heading = f"Rows like this one, and what {cut(explanation.model)} answers"
    return Page(heading, blocks, (*_notes(content), cost(explanation)))


def _summary(content: Examples, names: Names) -> str:
    told = f"The answer is {names.value(content.output, content.decision)}."
    decided = [one.same for one in content.examples if one.same is not None]
    if decided:
        rows = counted(len(decided), "nearest reference row")
        told += f" Of the {rows}, {sum(decided)} get the same."
    known = [one for one in content.examples if one.label is not None]
    if known and decided:
        right = sum(one.label == content.decision for one in known)
        told += f" It came true for {right} of {len(known)}."
    return told


def _table(content: Examples, nearest: Sequence[Example], names: Names) -> Table:
    titles = [f"row {one.row}" for one in nearest]
    return Table(("", "this one", *titles), tuple(_rows(content, nearest, names)))


def _rows(content: Examples, nearest: Sequence[Example], names: Names) -> Iterator[Row]:
    told = (content.decision, *(one.prediction for one in nearest))
    yield Row(("answer", *(names.value(content.output, one) for one in told)))
    if any(one.label is not None for one in nearest):
        came = ["" if one.label is None else value_words(one.label) for one in nearest]
        yield Row(("came true", "", *came))
    yield Row(("distance", "", *(number(one.distance) for one in nearest)))
    for name, value in list(content.values.items())[:MOST_FEATURES]:
        yield _row(name, value, [one.values.get(name) for one in nearest], names)


def _row(name: str, here: Any, there: Sequence[Any], names: Names) -> Row:
    odd = (at + 2 for at, value in enumerate(there) if value != here)
    told = (names.value(name, value) for value in (here, *there))
    return Row((names.column(name), *told), frozenset(odd))


def _notes(content: Examples) -> Iterator[str]:
    if len(content.examples) > MOST:
        yield f"{counted(len(content.examples) - MOST, 'more row')} in the JSON."
    yield (
        f"Nearest of {counted(content.reference_rows, 'reference row')};"
        " marked values differ from this one's."
    )
