"""An explanation as text for a terminal."""

from __future__ import annotations

from sidelight_explainers.explanation import Attribution, Explanation

BAR_CELLS = 30
"""Cells of the longest bar."""


def text_bars(explanation: Explanation) -> str:
    """Bars of the contributions, largest first, under a line that says what is explained."""
    ranked = sorted(explanation.attributions, key=lambda one: -abs(one.contribution))
    largest = abs(ranked[0].contribution) if ranked else 0.0
    labels = {one.feature: _label(one) for one in ranked}
    width = max(map(len, labels.values()), default=0)
    lines = [_bar(labels[one.feature].ljust(width), one, largest) for one in ranked]
    return "\n".join([_heading(explanation), "", *lines, "", _quality(explanation)])


def _heading(explanation: Explanation) -> str:
    return (
        f"{explanation.model}: {explanation.output} = {explanation.prediction:.6g}"
        f"  (base {explanation.base_value:.6g} + contributions)"
    )


def _label(one: Attribution) -> str:
    if one.value is None:
        return f"{one.feature} is null"
    shown = f"{one.value:.6g}" if isinstance(one.value, float) else str(one.value)
    return f"{one.feature} = {shown if len(shown) <= 24 else shown[:23] + '…'}"


def _bar(label: str, one: Attribution, largest: float) -> str:
    cells = round(BAR_CELLS * abs(one.contribution) / largest) if largest > 0 else 0
    error = "" if one.standard_error is None else f" ± {one.standard_error:.2g}"
    mark = "█" if one.contribution >= 0 else "▒"
    return f"{label}  {one.contribution:+10.4g}{error:<10}  {mark * cells}".rstrip()


def _quality(explanation: Explanation) -> str:
    how = "every coalition" if explanation.estimator == "exact" else "random orders of the features"
    return (
        f"█ raises, ▒ lowers; ± is one standard error. {how}, {explanation.rows} rows in"
        f" {explanation.calls} predictor call(s), {explanation.background_rows} of"
        f" {explanation.reference_rows} reference rows as background,"
        f" additivity gap {explanation.additivity_gap:.1g}, {explanation.seconds:.3f} s"
    )
