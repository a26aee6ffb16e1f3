"""Another library's answer: drawn where its names say what it is, and in a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeGuard

from sidelight_explainers.contents.foreign import Foreign
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.pictures.kinds.quality import cost
from sidelight_explainers.pictures.names import Names
from sidelight_explainers.pictures.page import Bar, Bars, Block, Page, Paragraph, Plot, Plots
from sidelight_explainers.pictures.wording import cut, listed, percent

MOST_BARS = 20
MOST_PLOTS = 6

CURVES = {"ale_values": "feature_values", "pd_values": "feature_values"}
"""alibi's effects of ALE and partial dependence, and the points they are at."""


def foreign_page(content: Foreign, explanation: Explanation, rest: Sequence[Block]) -> Page:
    """What can be drawn, then `rest`."""
    names = Names(explanation.glossary)
    heading = f"{cut(content.title)} of {cut(explanation.model)}"
    drawn = (
        *_rule(content.data),
        *_importances(content.data, names),
        *_curves(content.data, names),
    )
    return Page(heading, (*drawn, *rest), (cost(explanation),))


def _rule(data: Mapping[str, Any]) -> Iterator[Block]:
    anchor, precision, coverage = (data.get(key) for key in ("anchor", "precision", "coverage"))
    if not _is_words(anchor) or not _is_number(precision) or not _is_number(coverage):
        return
    told = f"in {percent(precision)} of its draws the answer is the same"
    rule = (
        f"Whenever {listed([cut(one) for one in anchor])}, {told}."
        if anchor
        else f"Always: {told}."
    )
    yield Paragraph(f"{rule} The rule applies to {percent(coverage)}.", strong=True)


def _importances(data: Mapping[str, Any], names: Names) -> Iterator[Block]:
    features, told = data.get("feature_names"), data.get("feature_importance")
    if not _is_words(features) or not isinstance(told, list):
        return
    amounts = told[0] if told and isinstance(told[0], list) else told
    if len(amounts) == len(features) and all(map(_is_number, amounts)):
        pairs = sorted(zip(features, amounts, strict=True), key=lambda one: -abs(one[1]))
        yield Bars(tuple(Bar(names.column(name), one) for name, one in pairs[:MOST_BARS]))


def _curves(data: Mapping[str, Any], names: Names) -> Iterator[Block]:
    features = data.get("feature_names")
    for key, where in CURVES.items():
        effects, points = data.get(key), data.get(where)
        if _is_words(features) and isinstance(effects, list) and isinstance(points, list):
            told = zip(features, points, effects, strict=False)
            plots = tuple(islice((plot for one in told for plot in _plot(*one, names)), MOST_PLOTS))
            if plots:
                yield Plots(plots)


def _plot(feature: str, points: Any, effects: Any, names: Names) -> Iterator[Plot]:
    """Of the first output."""
    if not isinstance(points, list) or not isinstance(effects, list):
        return
    first = [one[0] if isinstance(one, list) and one else one for one in effects]
    if len(first) != len(points) or not points or not all(map(_is_number, (*first, *points))):
        return
    labels = tuple(names.value(feature, one) for one in points)
    yield Plot(names.column(feature), labels, tuple(points), tuple(first))


def _is_words(told: Any) -> TypeGuard[list[str]]:
    return isinstance(told, list) and all(isinstance(one, str) for one in told)


def _is_number(told: Any) -> TypeGuard[float]:
    return isinstance(told, int | float) and not isinstance(told, bool)
