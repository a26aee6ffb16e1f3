"""From an explanation to what is shown of it."""

from __future__ import annotations

from functools import singledispatch

from sidelight_explainers.contents.attributions import Attributions
from sidelight_explainers.contents.content import Content
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.pictures.kinds.attributions import attributions_page
from sidelight_explainers.pictures.kinds.unknown import unknown_page
from sidelight_explainers.pictures.page import Page


def compose(explanation: Explanation) -> Page:
    """What a person should see of it."""
    return _composed(explanation.content, explanation)


@singledispatch
def _composed(_content: Content, explanation: Explanation) -> Page:
    return unknown_page(explanation)


@_composed.register
def _attributions(content: Attributions, explanation: Explanation) -> Page:
    return attributions_page(content, explanation)
