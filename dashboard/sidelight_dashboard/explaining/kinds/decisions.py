"""What the model decides, in words."""

from __future__ import annotations

import re
from typing import Any

from sidelight_dashboard.words.numbers import number_words
from sidelight_dashboard.words.wording import Wording

_SIDE = re.compile(r"(<=|>=|<|>) (\S+)")
_WORDS = {"<=": "at most", ">=": "at least", "<": "below", ">": "above"}


def is_side(decision: Any) -> bool:
    """Whether it is a side of a threshold (``<= 0.5``), and no class."""
    return isinstance(decision, str) and _SIDE.fullmatch(decision) is not None


def decision_words(wording: Wording, output: str, decision: Any) -> str:
    """``at most 0.5``, or the class by the glossary."""
    found = _SIDE.fullmatch(decision) if isinstance(decision, str) else None
    if found is None:
        return wording.value(output, decision)
    return f"{_WORDS[found[1]]} {found[2]}"


def decided(wording: Wording, output: str, decision: Any) -> str:
    """``chance is at most 0.5``, ``employed = yes``."""
    if is_side(decision):
        return f"{wording.column(output)} is {decision_words(wording, output, decision)}"
    return wording.pair(output, decision)


def answer_words(wording: Wording, output: str, decision: Any, score: float | None) -> str:
    """The decision, and the number behind it where it is another one."""
    told = decision_words(wording, output, decision)
    if score is None or number_words(score) == told:
        return told
    return f"{told} ({number_words(score, 4)})"
