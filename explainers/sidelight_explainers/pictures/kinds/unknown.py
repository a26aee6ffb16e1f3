"""A table of whatever a kind of content holds that has no better form: other libraries' answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from sidelight_explainers.contents.foreign import Foreign
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.pictures.kinds.quality import cost
from sidelight_explainers.pictures.page import Page, Row, Table
from sidelight_explainers.pictures.wording import cut, value_words

MOST_ROWS = 60
"""Rows that are shown; the JSON has all."""


def unknown_page(explanation: Explanation) -> Page:
    """Names and values, nested names joined by dots."""
    told = list(islice(_leaves("", explanation.content.to_json()), MOST_ROWS + 1))
    rows = tuple(Row((cut(name), value_words(value))) for name, value in told[:MOST_ROWS])
    more = ["More is in the JSON."] if len(told) > MOST_ROWS else []
    heading = f"{cut(_title(explanation))} of {cut(explanation.model)}"
    return Page(heading, (Table(("", "value"), rows),), (*more, cost(explanation)))


def _title(explanation: Explanation) -> str:
    content = explanation.content
    return content.title if isinstance(content, Foreign) else explanation.method


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(f"{name}.{key}" if name else str(key), inner)
    elif isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        for at, inner in enumerate(value):
            yield from _leaves(f"{name}[{at}]", inner)
    else:
        yield name, value
