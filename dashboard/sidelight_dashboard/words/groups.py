"""Metrics, groups and their attributes, as detectors write of them and as people read them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from sidelight_dashboard.words.numbers import short
from sidelight_dashboard.words.wording import Wording

_NAMES = {"f1": "F1", "roc_auc": "ROC AUC", "rmse": "RMSE", "r2": "R²"}

_COMPARED = re.compile(r"(?:(\w+) of )?(.+): (.+) (beside|as) (.+)")
"""How detectors of bias write of two groups: metric, attribute, group, which way, other group."""

_BETWEEN = "*"
"""Between the attributes of an intersection."""

Unit = Literal["share", "ratio", "odds", "number"]

_UNITS: Mapping[str, Unit] = {
    "disparate_impact_ratio": "ratio",
    "treatment_equality_difference": "odds",
    "mean_prediction_difference": "number",
    "mean_residual_difference": "number",
}


def metric_words(metric: str) -> str:
    """``false positive rate difference``."""
    return _NAMES.get(metric, metric.replace("_", " "))


def unit_of(metric: str) -> Unit:
    """Metrics of different units never share an axis."""
    return _UNITS.get(metric, "share")


def gap_words(metric: str, value: float | None) -> str:
    """A gap, with its sign; a ratio without one."""
    if value is None:
        return "no end"
    sign = "+" if value > 0 else ""
    told = {"share": f"{value:+.1%}", "ratio": f"{value:.2f}"}
    return told.get(unit_of(metric), sign + short(value)).replace("-", "−")


def attribute_words(wording: Wording, attribute: str) -> str:
    """``SEX*RAC1P`` as ``sex × race``."""
    return " × ".join(map(wording.column, attributes_of(attribute)))


def group_words(wording: Wording, attribute: str, group: str) -> str:
    """``2*1`` of ``SEX*RAC1P`` as ``female × white``."""
    attributes, groups = attributes_of(attribute), group.split(_BETWEEN)
    if len(attributes) != len(groups):
        return wording.value(attribute, group)
    pairs = zip(attributes, groups, strict=True)
    return " × ".join(wording.value(*pair) for pair in pairs)


def compared_words(text: str, wording: Wording) -> str:
    """``false positive rate difference of sex: female beside male``; empty for a column."""
    found = _COMPARED.fullmatch(text)
    if found is None:
        return ""
    metric, attribute, group, between, other = found.groups()
    groups = [group_words(wording, attribute, one) for one in (group, other)]
    of = f"{metric_words(metric)} of " if metric else ""
    return f"{of}{attribute_words(wording, attribute)}: {groups[0]} {between} {groups[1]}"


def columns_of(suspect: str) -> tuple[str, ...]:
    """The model's columns that a suspect is about."""
    found = _COMPARED.fullmatch(suspect)
    return attributes_of(found[2]) if found else (suspect,)


def attributes_of(attribute: str) -> tuple[str, ...]:
    """Both of an intersection."""
    return tuple(attribute.split(_BETWEEN))
