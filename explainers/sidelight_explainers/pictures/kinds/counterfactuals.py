"""What would have to be different for another decision, as sentences and a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sidelight_explainers.contents.counterfactual import Counterfactual, Counterfactuals
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.pictures.kinds.quality import cost
from sidelight_explainers.pictures.page import Block, Page, Paragraph, Row, Table
from sidelight_explainers.pictures.wording import (
    apart,
    counted,
    cut,
    listed,
    number,
    percent,
    value_words,
)

MOST = 3
"""Ways that are shown; the JSON has all."""


def counterfactuals_page(content: Counterfactuals, explanation: Explanation) -> Page:
    """The nearest way in a sentence, all of them in a table."""
    decision = apart(value_words(content.decision))
    heading = f"What would change the answer of {cut(explanation.model)}, which is {decision}"
    return Page(heading, tuple(_blocks(content)), (*_notes(content), cost(explanation)))


def _blocks(content: Counterfactuals) -> Iterator[Block]:
    ways = content.counterfactuals[:MOST]
    if not ways:
        yield Paragraph(
            f"No row was found for which the answer is {cut(content.wanted)}.", strong=True
        )
        return
    yield Paragraph(_sentence(ways[0]), strong=True)
    yield _table(content, ways)


def _sentence(way: Counterfactual) -> str:
    changes = [
        f"{cut(one.feature)} = {value_words(one.after)} instead of {value_words(one.before)}"
        for one in way.changes
    ]
    return f"With {apart(listed(changes))} the answer would be {_answer(way.decision, way.score)}."


def _answer(decision: Any, score: float | None) -> str:
    told = value_words(decision)
    if score is None or number(score) == told:
        return told
    return f"{told} ({number(score)})"


def _table(content: Counterfactuals, ways: Sequence[Counterfactual]) -> Table:
    titles = [f"way {at}" for at in range(1, len(ways) + 1)] if len(ways) > 1 else ["instead"]
    before = {one.feature: one.before for way in ways for one in way.changes}
    rows = [_row(feature, before[feature], ways) for feature in before]
    now = _answer(content.decision, content.prediction)
    rows.append(Row(("answer", now, *(_answer(way.decision, way.score) for way in ways))))
    rows.append(Row(("distance", "", *(number(way.distance) for way in ways))))
    rows.append(Row(("plausibility", "", *(percent(way.plausibility) for way in ways))))
    return Table(("", "now", *titles), tuple(rows))


def _row(feature: str, before: Any, ways: Sequence[Counterfactual]) -> Row:
    after = [next((o.after for o in way.changes if o.feature == feature), before) for way in ways]
    marked = frozenset(at + 2 for at, value in enumerate(after) if value != before)
    return Row((cut(feature), value_words(before), *map(value_words, after)), marked)


def _notes(content: Counterfactuals) -> Iterator[str]:
    more = len(content.counterfactuals) - MOST
    if more > 0:
        yield f"{counted(more, 'more way')} in the JSON."
    if content.counterfactuals:
        yield (
            "Distance is in spreads of the reference, 1 for another category; plausibility is the"
            " share of reference rows that are farther from their neighbours."
        )
