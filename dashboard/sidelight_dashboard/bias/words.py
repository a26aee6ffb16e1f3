"""What metrics and groups are called, and what each metric means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sidelight.config.detecting.outcome import OutcomeSettings, Scalar
from sidelight_dashboard.words.groups import (
    Unit,
    attribute_words,
    gap_words,
    group_words,
    metric_words,
)
from sidelight_dashboard.words.numbers import short
from sidelight_dashboard.words.wording import Wording

MEANINGS: Mapping[str, str] = {
    "statistical_parity_difference": "share of favourable decisions",
    "disparate_impact_ratio": "share of favourable decisions, divided",
    "equal_opportunity_difference": "share of favourable decisions among those who truly are",
    "false_positive_rate_difference": "share of favourable decisions among those who truly are not",
    "equalised_odds_difference": "the larger of both gaps in favourable decisions, among those who"
    " truly are and those who are not, without its sign",
    "average_odds_difference": "mean of both gaps in favourable decisions, among those who truly"
    " are and those who are not",
    "predictive_parity_difference": "share of favourable decisions that come true",
    "false_omission_rate_difference": "share of unfavourable decisions that should have been"
    " favourable",
    "false_discovery_rate_difference": "share of favourable decisions that do not come true",
    "treatment_equality_difference": "wrongly unfavourable decisions for each wrongly"
    " favourable one",
    "calibration_difference": "mean of what came true less the predicted probability",
    "mean_prediction_difference": "mean prediction",
    "mean_residual_difference": "mean of the true number less the predicted one",
    "accuracy": "share of right answers",
    "precision": "share of answers of the class that are right",
    "recall": "share of the class that is answered as such",
    "f1": "harmonic mean of precision and recall",
    "roc_auc": "chance that a row of the class has a higher probability than one that is not",
    "mean_error": "mean of the prediction less the truth",
    "mean_absolute_error": "mean distance of the prediction from the truth",
    "rmse": "root of the mean squared error",
    "r2": "share of the truth's variance that is explained",
}

_THOUSAND = 1000

AXES: Mapping[Unit, str] = {
    "share": "difference of shares",
    "ratio": "ratio of shares",
    "odds": "difference of odds",
    "number": "difference of means",
}
"""What metrics of one unit are drawn along."""


def way_of(metric: str) -> Literal["up", "down", ""]:
    """Which way is worse."""
    if metric in ("mean_absolute_error", "rmse"):
        return "up"
    return "" if metric == "mean_error" else "down"


def performance_words(value: float | None) -> str:
    """A metric of performance."""
    if value is None:
        return "not known"
    return f"{value:.3f}" if abs(value) < _THOUSAND else short(value)


@dataclass(frozen=True)
class Saying:
    """What the page's template says of numbers and names."""

    wording: Wording

    def attribute(self, attribute: str) -> str:
        return attribute_words(self.wording, attribute)

    def group(self, attribute: str, group: str) -> str:
        return group_words(self.wording, attribute, group)

    def answer(self, outcome: OutcomeSettings, name: str) -> str:
        """A class that was decided for."""
        return self.wording.value(outcome.prediction or outcome.label or "", name)

    def metric(self, metric: str) -> str:
        return metric_words(metric)

    def meaning(self, metric: str) -> str:
        return MEANINGS.get(metric, "")

    def number(self, metric: str, value: float | None) -> str:
        return gap_words(metric, value)

    def mean(self, value: float | None) -> str:
        """Of a group's predictions."""
        return "–" if value is None else short(value)

    def measure(self, value: float | None) -> str:
        return performance_words(value)


def favourable(
    outcome: OutcomeSettings | None, also: Mapping[str, Sequence[Scalar]], wording: Wording
) -> str:
    """Which decisions are good for whom is decided about, as a sentence."""
    if outcome is None:
        return ""
    if outcome.kind == "regression":
        return "Predictions are numbers: their means are compared."
    good = outcome.favorable or (outcome.positive,)
    column = outcome.prediction or ""
    told = [f"{column or 'the answered class'} is {_any_of(wording, column, good)}"]
    told += [f"{name} is {_any_of(wording, name, values)}" for name, values in also.items()]
    return f"A decision is favourable when {' and '.join(told)}."


def _any_of(wording: Wording, column: str, values: Sequence[Scalar]) -> str:
    return " or ".join(wording.coded(column, value) for value in values)
