"""An explanation as text for a terminal."""

from __future__ import annotations

from sidelight_explainers.contents.attributions import Attribution, Attributions
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.quality import Quality

BAR_CELLS = 30
"""Cells of the longest bar."""


def text_bars(explanation: Explanation, content: Attributions) -> str:
    """Bars of the contributions, largest first, under a line that says what is explained."""
    ranked = sorted(content.attributions, key=lambda one: -abs(one.contribution))
    largest = abs(ranked[0].contribution) if ranked else 0.0
    labels = {one.feature: _label(one) for one in ranked}
    width = max(map(len, labels.values()), default=0)
    lines = [_bar(labels[one.feature].ljust(width), one, largest) for one in ranked]
    heading = _heading(explanation.model, content)
    return "\n".join([heading, "", *lines, "", _quality(content, explanation.quality)])


def _heading(model: str, content: Attributions) -> str:
    return (
        f"{model}: {content.output} = {content.prediction:.6g}"
        f"  (base {content.base_value:.6g} + contributions)"
    )


def _label(one: Attribution) -> str:
    if one.value is None:
        return f"{one.feature} is null"
    shown = f"{one.value:.6g}" if isinstance(one.value, float) else str(one.value)
    return f"{one.feature} = {shown if len(shown) <= 24 else shown[:23] + '…'}"


def _bar(label: str, one: Attribution, largest: float) -> str:
    cells = round(BAR_CELLS * abs(one.contribution) / largest) if largest > 0 else 0
    mark = "█" if one.contribution >= 0 else "▒"
    return f"{label}  {one.contribution:+10.4g}{_error(one):<10}  {mark * cells}".rstrip()


def _error(one: Attribution) -> str:
    if one.low is None or one.high is None or one.low == one.high:
        return ""
    return f" ± {(one.high - one.low) / 2:.2g}"


def _quality(content: Attributions, quality: Quality) -> str:
    how = "every coalition" if content.estimator == "exact" else "random orders of the features"
    return (
        f"█ raises, ▒ lowers; ± is a 95 % interval. {how}, {quality.rows} rows in"
        f" {quality.calls} predictor call(s), {content.background_rows} of"
        f" {content.reference_rows} reference rows as background,"
        f" additivity gap {content.additivity_gap or 0.0:.1g}, {quality.seconds:.3f} s"
    )
