"""A rule that is enough for the decision, as a sentence."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sidelight_explainers.contents.anchor import Anchor
from sidelight_explainers.contents.layout import ImageLayout, TextLayout
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.pictures.kinds.quality import cost
from sidelight_explainers.pictures.kinds.regions import kept_regions
from sidelight_explainers.pictures.kinds.shading import shaded
from sidelight_explainers.pictures.names import Names
from sidelight_explainers.pictures.page import Block, Page, Paragraph
from sidelight_explainers.pictures.wording import apart, cut, listed, percent


def anchor_page(content: Anchor, explanation: Explanation) -> Page:
    """The rule, how often it holds, and whom else it is about."""
    names = Names(explanation.glossary)
    heading = f"What is enough for {cut(explanation.model)} to answer {_decision(content, names)}"
    blocks = (
        Paragraph(_rule(content, names), strong=True),
        *_shown(content),
        Paragraph(_reach(content)),
    )
    return Page(heading, blocks, (_drawn(content), _cost(content, explanation)))


def _decision(content: Anchor, names: Names) -> str:
    return apart(names.value(content.output, content.decision))


def _rule(content: Anchor, names: Names) -> str:
    told = f"{percent(content.precision)} of the answers are {_decision(content, names)}"
    if content.found and not content.conditions:
        return f"Whatever the rest is, {told}: nothing has to hold."
    if content.found:
        return f"Whenever {_conditions(content, names)}, {told}."
    if not content.conditions:
        return "No rule was found that is enough for this answer."
    return (
        "No rule is as certain as was wished. The best that was seen: whenever"
        f" {_conditions(content, names)}, {told}."
    )


def _conditions(content: Anchor, names: Names) -> str:
    are = "is" if len(content.conditions) == 1 else "are"
    if isinstance(content.layout, ImageLayout):
        return "what the second picture shows is there"
    if isinstance(content.layout, TextLayout):
        return f"{listed([apart(f'“{cut(one.words)}”') for one in content.conditions])} {are} there"
    return listed([apart(names.condition(one.feature, one.words)) for one in content.conditions])


def _shown(content: Anchor) -> Iterator[Block]:
    players = {one.player for one in content.conditions}
    if isinstance(content.layout, TextLayout):
        weights = [float(at in players) for at in range(len(content.layout.spans))]
        yield shaded(content.layout, weights)
    elif isinstance(content.layout, ImageLayout):
        yield kept_regions(content.layout, np.isin(content.layout.segments, sorted(players)))


def _reach(content: Anchor) -> str:
    others = "reference rows" if content.layout is None else "draws"
    return f"The rule applies to {percent(content.coverage)} of the {others}."


def _cost(content: Anchor, explanation: Explanation) -> str:
    return cost(explanation) if content.found else cost(explanation, "no rule was left to try")


def _drawn(content: Anchor) -> str:
    bound = (
        f"at least {percent(content.precision_low)} with {percent(content.confidence)} confidence"
    )
    return f"Tried on {content.draws:,} fresh draws ({cut(content.distribution, 200)}): {bound}."
