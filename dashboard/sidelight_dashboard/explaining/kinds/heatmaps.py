"""Where on a picture the model looks."""

from __future__ import annotations

from sidelight_dashboard.explaining.kinds.pictures import TINTED
from sidelight_dashboard.explaining.shown import Json, Shown
from sidelight_dashboard.words.numbers import number_words
from sidelight_dashboard.words.wording import Wording


def shown_heatmap(data: Json, wording: Wording) -> Shown:
    """The picture under its heat."""
    answer = f"{wording.column(data['output'])} = {number_words(data['prediction'], 4)}"
    return Shown((f"The answer: {answer}; it needs the warm places most.",), overlay=TINTED)
