"""Which rates and metrics a model's outcome and settings lead to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.bias import BiasSettings
from sidelight.errors import ConfigError
from sidelight_detectors.bias.counting import Layout
from sidelight_detectors.bias.groupings import Groups
from sidelight_detectors.bias.metrics import (
    COME_TRUE,
    CONFUSED,
    DECIDED,
    MEASURED,
    PREDICTED,
    SELECTED,
    Metric,
    Rate,
    prediction,
    residual,
    uncalibrated,
)
from sidelight_detectors.bias.table import Limits, Table


@dataclass(frozen=True, slots=True)
class Scale:
    """Numbers from `low` to ``low + width`` are summed up, others as the nearest of these.

    `unit` is what a tolerance of 1 means.
    """

    low: float = 0.0
    width: float = 1.0
    unit: float = 1.0

    def place(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where numbers lie: 0 at the low end, 1 at the high one."""
        return (values - self.low) / self.width


def decided_table(groups: Groups, layout: Layout, scale: Scale, settings: BiasSettings) -> Table:
    """Of decisions or predicted numbers alone."""
    rates: tuple[Rate, ...] = (SELECTED,)
    metrics: tuple[Metric, ...] = DECIDED
    if layout.is_regression:
        rates, metrics = (prediction(scale.low, scale.width),), PREDICTED
    return _table(groups, layout.decided_width, rates, metrics, scale, settings)


def come_true_table(groups: Groups, layout: Layout, scale: Scale, settings: BiasSettings) -> Table:
    """Of what labels tell."""
    rates: tuple[Rate, ...] = CONFUSED
    if layout.is_regression:
        rates = (residual(layout.residual, scale.width),)
    elif layout.has_scores:
        rates = (*rates, uncalibrated(layout.residual))
    metrics = MEASURED if layout.is_regression else COME_TRUE
    return _table(groups, layout.settled_width, rates, metrics, scale, settings)


def check_metrics(layout: Layout, settings: BiasSettings) -> None:
    """`ConfigError` for a metric that this outcome cannot have."""
    possible = {one.name for one in ((*PREDICTED, *MEASURED) if layout.is_regression else DECIDED)}
    if not layout.is_regression:
        possible |= {one.name for one in COME_TRUE if one.rates != ("residual",)}
        possible |= {"calibration_difference"} if layout.has_scores else set()
    for name in settings.metrics:
        if name not in possible:
            raise ConfigError(
                f"detectors.bias.metrics: {name} cannot be told of this outcome; "
                f"there are {', '.join(sorted(possible))}"
            )


def _table(
    groups: Groups,
    width: int,
    rates: tuple[Rate, ...],
    metrics: tuple[Metric, ...],
    scale: Scale,
    settings: BiasSettings,
) -> Table:
    names = {rate.name for rate in rates}
    asked = tuple(
        metric
        for metric in metrics
        if names.issuperset(metric.rates) and metric.name in (settings.metrics or (metric.name,))
    )
    limits = Limits(settings.tolerance * scale.unit, settings.ratio)
    return Table(groups, width, rates, asked, limits)
