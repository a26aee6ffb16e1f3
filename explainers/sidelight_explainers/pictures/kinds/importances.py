"""Bars: what the model loses without each feature."""

from __future__ import annotations

from sidelight_explainers.contents.importances import Importances
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.pictures.kinds.quality import cost
from sidelight_explainers.pictures.names import Names
from sidelight_explainers.pictures.page import Bar, Bars, Page, Paragraph
from sidelight_explainers.pictures.wording import counted, cut, number

MOST_BARS = 20
"""Features that are shown; the JSON has all."""


def importances_page(content: Importances, explanation: Explanation) -> Page:
    """The features the model needs most, first."""
    names = Names(explanation.glossary)
    order = sorted(content.importances, key=lambda one: -one.importance)
    bars = [
        Bar(names.column(one.feature), one.importance, 0.0, one.low, one.high)
        for one in order[:MOST_BARS]
    ]
    summary = (
        f"With all features the {cut(content.loss)} is {number(content.baseline)}"
        f" over {counted(content.data_rows, 'row')} ({cut(content.data)})."
        " Each bar is how far it changes for the worse without one feature."
    )
    hidden = len(order) - len(bars)
    more = [f"{counted(hidden, 'more feature')} in the JSON."] if hidden else []
    return Page(
        f"Which features {cut(explanation.model)} needs",
        (Paragraph(summary, strong=True), Bars(tuple(bars))),
        (*more, "Whiskers (±) are 95 % intervals.", cost(explanation)),
    )
