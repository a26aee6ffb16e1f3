"""An explanation as text for a terminal."""

from __future__ import annotations

from functools import singledispatch

import orjson

from sidelight_explainers.bars import text_bars
from sidelight_explainers.contents.attributions import Attributions
from sidelight_explainers.contents.content import Content
from sidelight_explainers.explanation import Explanation


def plain_text(explanation: Explanation) -> str:
    """What a person reads in a terminal; the JSON of kinds that have no better form."""
    return _shown(explanation.content, explanation)


@singledispatch
def _shown(_content: Content, explanation: Explanation) -> str:
    return orjson.dumps(explanation.to_json(), option=orjson.OPT_INDENT_2).decode()


@_shown.register
def _attributions(content: Attributions, explanation: Explanation) -> str:
    return text_bars(explanation, content)
