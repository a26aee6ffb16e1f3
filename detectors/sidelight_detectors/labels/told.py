"""From an estimate to what is said of it."""

from __future__ import annotations

from sidelight_detectors.performance.finding import MetricFinding
from sidelight_detectors.performance.metrics import Estimate

WIDE = 1.959963984540054
"""Normal quantile of the 95 % bounds that are told."""


def told(metric: str, found: Estimate, before: Estimate) -> MetricFinding:
    """With the value in the reference, NaN where it has no labels."""
    return MetricFinding(metric, found.value, found.low, found.high, before.value)
