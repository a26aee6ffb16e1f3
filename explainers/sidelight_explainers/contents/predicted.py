"""What the model said, by kind of content."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from sidelight_explainers.contents.anchor import Anchor
from sidelight_explainers.contents.attributions import Attributions
from sidelight_explainers.contents.content import Content
from sidelight_explainers.contents.counterfactual import Counterfactuals
from sidelight_explainers.contents.examples import Examples
from sidelight_explainers.contents.foreign import Foreign
from sidelight_explainers.contents.heatmap import Heatmap


@singledispatch
def predicted(_content: Content) -> Any:
    """The explained prediction as a JSON value; None for what explains none."""
    return None


@predicted.register(Attributions)
@predicted.register(Foreign)
@predicted.register(Heatmap)
def _number(content: Attributions | Foreign | Heatmap) -> Any:
    return content.prediction


@predicted.register(Anchor)
@predicted.register(Counterfactuals)
@predicted.register(Examples)
def _decision(content: Anchor | Counterfactuals | Examples) -> Any:
    return content.decision
