"""Numbers, ranges and methods as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sidelight.panes import Bar, Column
from sidelight_dashboard.drift.told import Drift
from sidelight_dashboard.words.numbers import number_words
from sidelight_dashboard.words.wording import Wording

METHODS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "ks": (
            "Kolmogorov-Smirnov",
            "the largest gap between the shares of rows up to a value, beyond what chance gives",
        ),
        "cvm": (
            "Cramér-von Mises",
            "the largest gap between the shares of rows up to a value, beyond what chance gives;"
            " its p-value is of the mean squared gap",
        ),
        "chi2": (
            "chi-squared",
            "the share of rows that would have to change category (total variation), beyond what"
            " chance gives",
        ),
    }
)
"""Title, and what its effect is."""

MEASURES: Mapping[str, str] = MappingProxyType(
    {
        "psi": "population stability index",
        "jensen-shannon": "Jensen-Shannon divergence",
        "total-variation": "total variation",
        "wasserstein": "Wasserstein distance, in standard deviations",
        "mean": "change of the mean, in standard deviations",
        "std": "change of the standard deviation (logarithm of the ratio)",
        "missing": "change of the share of missing values",
        "new": "change of the share of values never seen",
        "constant": "change of the share of other values",
    }
)

_LARGE = 1000


def method_words(method: str) -> str:
    """``Kolmogorov-Smirnov``; one we do not know by its own name."""
    return METHODS.get(method, (method, ""))[0]


def effect_words(method: str) -> str:
    """What the effect of a method is."""
    return METHODS.get(method, ("", "the distance, beyond what chance gives"))[1]


def measure_words(measure: str) -> str:
    """A further measure in words."""
    return MEASURES.get(measure, measure)


def effect(value: float | None) -> str:
    """Three decimals; a dash where there is none."""
    return "–" if value is None else f"{value:.3f}"


def verdict(told: Drift) -> str:
    """The newest window in a sentence."""
    window, beside = told.window, f"version {told.against}" if told.against else "the reference"
    if window is None:
        return "No window was judged in this stretch of time."
    if window.is_drift is None:
        return f"The newest window could not be judged: {window.refused}."
    seen = f"In the newest window, of {window.rows:,} rows,"
    if not window.is_drift:
        return f"{seen} no column drifted from {beside}."
    if told.rows == "all":
        return f"{seen} columns drifted from {beside}."
    return f"{seen} {_named(told)} drifted from {beside}: {_listed(told)}."


def together(told: Drift) -> str:
    """All rows in a sentence."""
    rows = told.parts[0].rows if told.parts else 0
    seen = f"Of all {rows:,} rows together,"
    if not told.drifted:
        return f"{seen} no column drifted from the reference."
    return f"{seen} {_named(told)} drifted from the reference: {_listed(told)}."


def _named(told: Drift) -> str:
    return f"{len(told.drifted)} of {len(told.columns)} columns"


def _listed(told: Drift) -> str:
    names = [one.label for one in told.drifted]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def bar_names(column: Column, wording: Wording) -> list[str]:
    """Each bar's: a category's word, or a range of numbers."""
    apart = any(bar.low is not None and bar.low == bar.high for bar in column.bars)
    return [_bar_name(bar, column.name, wording, apart) for bar in column.bars]


def _bar_name(bar: Bar, column: str, wording: Wording, apart: bool) -> str:
    if bar.name or bar.low is bar.high is None:
        return wording.coded(column, bar.name)
    if bar.low is not None and bar.low == bar.high:
        return wording.coded(column, bar.low)
    low, high = (None if end is None else _end(end) for end in (bar.low, bar.high))
    if low is None:
        return f"below {high}"
    if high is None:
        return f"above {low}" if apart else f"{low} and more"
    return f"between {low} and {high}" if apart else f"{low} to {high}"


def _end(value: float) -> str:
    """Whole and large numbers as they are, others to three digits."""
    is_plain = value.is_integer() or abs(value) >= _LARGE
    return number_words(value) if is_plain else f"{value:.3g}"
