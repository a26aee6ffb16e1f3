"""What would have to be different for another decision, as sentences and a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sidelight_explainers.contents.counterfactual import Counterfactual, Counterfactuals
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.pictures.kinds.quality import cost
from sidelight_explainers.pictures.names import Names
from sidelight_explainers.pictures.page import Block, Page, Paragraph, Row, Table
from sidelight_explainers.pictures.wording import (
    apart,
    counted,
    cut,
    listed,
    number,
    percent,
)

MOST = 3
"""Ways that are shown; the JSON has all."""


def counterfactuals_page(content: Counterfactuals, explanation: Explanation) -> Page:
    """The nearest way in a sentence, all of them in a table."""
    names = Names(explanation.glossary)
    decision = apart(names.value(content.output, content.decision))
    heading = f"What would change the answer of {cut(explanation.model)}, which is {decision}"
    return Page(heading, tuple(_blocks(content, names)), (*_notes(content), cost(explanation)))


def _blocks(content: Counterfactuals, names: Names) -> Iterator[Block]:
    ways = content.counterfactuals[:MOST]
    if not ways:
        yield Paragraph(
            f"No row was found for which the answer is {cut(content.wanted)}.", strong=True
        )
        return
    yield Paragraph(_sentence(content.output, ways[0], names), strong=True)
    yield _table(content, ways, names)


def _sentence(output: str, way: Counterfactual, names: Names) -> str:
    changes = [
        f"{names.pair(one.feature, one.after)} instead of {names.value(one.feature, one.before)}"
        for one in way.changes
    ]
    answer = _answer(names.value(output, way.decision), way.score)
    return f"With {apart(listed(changes))} the answer would be {answer}."


def _answer(told: str, score: float | None) -> str:
    if score is None or number(score) == told:
        return told
    return f"{told} ({number(score)})"


def _table(content: Counterfactuals, ways: Sequence[Counterfactual], names: Names) -> Table:
    titles = [f"way {at}" for at in range(1, len(ways) + 1)] if len(ways) > 1 else ["instead"]
    before = {one.feature: one.before for way in ways for one in way.changes}
    rows = [_row(feature, before[feature], ways, names) for feature in before]
    answers = [(content.decision, content.prediction), *((w.decision, w.score) for w in ways)]
    told = [_answer(names.value(content.output, one), score) for one, score in answers]
    rows.append(Row(("answer", *told)))
    rows.append(Row(("distance", "", *(number(way.distance) for way in ways))))
    rows.append(Row(("plausibility", "", *(percent(way.plausibility) for way in ways))))
    return Table(("", "now", *titles), tuple(rows))


def _row(feature: str, before: Any, ways: Sequence[Counterfactual], names: Names) -> Row:
    after = [next((o.after for o in way.changes if o.feature == feature), before) for way in ways]
    marked = frozenset(at + 2 for at, value in enumerate(after) if value != before)
    told = (names.value(feature, value) for value in (before, *after))
    return Row((names.column(feature), *told), marked)


def _notes(content: Counterfactuals) -> Iterator[str]:
    more = len(content.counterfactuals) - MOST
    if more > 0:
        yield f"{counted(more, 'more way')} in the JSON."
    if content.counterfactuals:
        yield (
            "Distance is in spreads of the reference, 1 for another category; plausibility is the"
            " share of reference rows that are farther from their neighbours."
        )
