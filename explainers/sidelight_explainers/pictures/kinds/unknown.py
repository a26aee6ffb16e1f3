"""A table of whatever a kind of content holds that has no better form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from sidelight_explainers.explanation import Explanation
from sidelight_explainers.pictures.kinds.quality import cost
from sidelight_explainers.pictures.page import Page, Row, Table
from sidelight_explainers.pictures.wording import cut, value_words

MOST_ROWS = 60
"""Rows that are shown; the JSON has all."""

MOST_NUMBERS = 20
"""A longer list is told by its shape."""


def unknown_page(explanation: Explanation) -> Page:
    """Names and values, nested names joined by dots."""
    heading = f"{cut(explanation.method)} of {cut(explanation.model)}"
    return Page(heading, (table_of(explanation.content.to_json()),), (cost(explanation),))


def table_of(told: Mapping[str, Any]) -> Table:
    """At most `MOST_ROWS` of what is told."""
    leaves = list(islice(_leaves("", told), MOST_ROWS + 1))
    rows = [Row((cut(name), value_words(value))) for name, value in leaves[:MOST_ROWS]]
    more = [Row(("…", "more is in the JSON"))] if len(leaves) > MOST_ROWS else []
    return Table(("", "value"), (*rows, *more))


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(f"{name}.{key}" if name else str(key), inner)
    elif isinstance(value, list) and (shape := _shape(value)):
        yield name, f"{' × '.join(map(str, shape))} numbers"
    elif isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        for at, inner in enumerate(value):
            yield from _leaves(f"{name}[{at}]", inner)
    else:
        yield name, value


def _shape(value: list[Any]) -> tuple[int, ...]:
    """Of nested lists that seem to be an array with many numbers; () for others."""
    shape, inner, count = [], value, 1
    while isinstance(inner, list) and inner:
        shape.append(len(inner))
        count *= len(inner)
        inner = inner[0]
    is_array = isinstance(inner, int | float) and count > MOST_NUMBERS
    return tuple(shape) if is_array else ()
