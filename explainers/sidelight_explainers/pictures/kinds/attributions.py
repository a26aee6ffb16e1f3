"""Bars, shaded words or a tinted picture: what moved the output, and how far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

from sidelight_explainers.contents.attributions import Attribution, Attributions
from sidelight_explainers.contents.layout import ImageLayout, Layout, TextLayout
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.pictures.kinds.quality import cost
from sidelight_explainers.pictures.kinds.regions import tinted_regions
from sidelight_explainers.pictures.kinds.shading import shaded
from sidelight_explainers.pictures.names import Names
from sidelight_explainers.pictures.page import Bar, Bars, Block, Level, Page, Paragraph
from sidelight_explainers.pictures.wording import (
    amount,
    apart,
    counted,
    cut,
    level,
    listed,
    value_words,
)

MOST_BARS = 15
"""Features with a bar of their own; the others share one."""

MOST_WORDS = 8
"""The same for the words of a text, which are shown in place too."""

UNSTEADY = 1e-3
"""A gap that is a larger share of what is explained is told of."""


def attributions_page(content: Attributions, explanation: Explanation) -> Page:
    """The players in order of what they moved."""
    names = Names(explanation.glossary)
    answer = f"{names.column(content.output)} = {_level(content.prediction, content)}"
    heading = f"Why {cut(explanation.model)} answers {answer}"
    blocks = (Paragraph(_summary(content, names), strong=True), *_blocks(content, names))
    return Page(heading, blocks, (*_notes(content), cost(explanation)))


def _blocks(content: Attributions, names: Names) -> Iterator[Block]:
    if isinstance(content.layout, TextLayout):
        weights = [one.contribution for one in content.attributions]
        yield shaded(content.layout, weights)
        yield _bars(content, names, MOST_WORDS, "parts")
    elif isinstance(content.layout, ImageLayout):
        weights = [one.contribution for one in content.attributions]
        yield tinted_regions(content.layout, weights)
    else:
        yield _bars(content, names, MOST_BARS, "features")


def _ranked(attributions: Sequence[Attribution]) -> list[Attribution]:
    """The largest first."""
    return sorted(attributions, key=lambda one: -abs(one.contribution))


def _is_additive(content: Attributions) -> bool:
    """Whether the contributions lead from the base value to the prediction."""
    return content.additivity_gap is not None


def _bars(content: Attributions, names: Names, most: int, players: str) -> Bars:
    order = _ranked(content.attributions)
    shown, rest = (order, []) if len(order) <= most + 1 else (order[:most], order[most:])
    bars = [
        Bar(_label(one, content.layout, names), one.contribution, 0.0, one.low, one.high)
        for one in shown
    ]
    if rest:
        together = sum(one.contribution for one in rest)
        bars.append(Bar(f"{len(rest)} other {players} together", together, muted=True))
    return _waterfall(content, bars) if _is_additive(content) else Bars(tuple(bars))


def _waterfall(content: Attributions, bars: list[Bar]) -> Bars:
    starts = accumulate((bar.amount for bar in bars), initial=content.base_value)
    placed = (
        Bar(bar.label, bar.amount, start, bar.low, bar.high, bar.muted)
        for bar, start in zip(bars, starts, strict=False)
    )
    last = Level("this one", content.prediction)
    return Bars(tuple(placed), Level(_base(content), content.base_value), last)


def _base(content: Attributions) -> str:
    if isinstance(content.layout, TextLayout):
        return "with every word hidden"
    if isinstance(content.layout, ImageLayout):
        return "with every region hidden"
    return f"on average over {counted(content.background_rows, 'reference row')}"


def _label(one: Attribution, layout: Layout | None, names: Names) -> str:
    """``age = 37``; of a text the word alone."""
    if isinstance(layout, TextLayout):
        return f"“{value_words(one.value)}”"
    return names.pair(one.feature, one.value)


def _summary(content: Attributions, names: Names) -> str:
    told = f"The answer is {_level(content.prediction, content)}"
    if _is_additive(content):
        told += f"; it is {_level(content.base_value, content)} {_base(content)}"
    if isinstance(content.layout, ImageLayout):
        return f"{told}. {_in_all(content)}"
    moved = [*_moved("raised", content, names, 1), *_moved("lowered", content, names, -1)]
    return f"{told}. {' '.join(moved)}".rstrip()


def _level(value: float, content: Attributions) -> str:
    return level(value, _largest(content))


def _largest(content: Attributions) -> float:
    return max((abs(one.contribution) for one in content.attributions), default=0.0)


def _in_all(content: Attributions) -> str:
    amounts = [one.contribution for one in content.attributions]
    raised = sum(one for one in amounts if one > 0)
    lowered = sum(one for one in amounts if one < 0)
    largest = max(raised, -lowered)
    return (
        f"Warm regions raise it by {level(raised, largest)} in all,"
        f" cold ones lower it by {level(-lowered, largest)}."
    )


def _moved(verb: str, content: Attributions, names: Names, sign: int) -> Iterator[str]:
    largest = _largest(content)
    those = [
        f"{apart(_label(one, content.layout, names))} ({amount(one.contribution, largest)})"
        for one in _ranked(content.attributions)
        if sign * one.contribution > largest / 10
    ]
    if those:
        yield f"What {verb} it most: {listed(those[:3])}."


def _notes(content: Attributions) -> Iterator[str]:
    drawn = not isinstance(content.layout, ImageLayout)
    if content.interval == "exact":
        yield "The amounts are exact."
    elif drawn and content.interval == "reliable":
        yield "Whiskers (±) are 95 % intervals."
    elif drawn and content.interval == "unreliable":
        yield "Whiskers are intervals that may be too narrow: too few rows were asked."
    gap, span = content.additivity_gap, abs(content.prediction - content.base_value)
    if gap is not None and abs(gap) > max(span, 1e-9) * UNSTEADY:
        yield f"The amounts miss the answer by {gap:.1g}: the model is not steady."
    if not _is_additive(content):
        yield "Each amount stands for itself: they do not add up to the answer."
