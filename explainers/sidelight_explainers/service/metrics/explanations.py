"""What the explain service tells Prometheus of each explanation: its cost, and how good it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Histogram

from sidelight_explainers.contents.attributions import Attributions
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.models import Explained
from sidelight_explainers.quality import Stopped

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 600)
GAPS = (1e-12, 1e-9, 1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1)
WIDTHS = (1e-6, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1, 10, 100)
PREFIX = "sidelight_explainers"
COUNTED = {
    "rows_total": "Different rows that finished explanations needed answers to.",
    "cached_rows_total": "Those of the rows whose answers were known from others' questions.",
    "calls_total": "Predictor calls of finished explanations, a shared one once for each.",
    "unreliable_intervals_total": "Explanations that do not vouch for their own intervals.",
}
MEASURED = {
    "explanation_duration_seconds": (SECONDS, "Time of one explanation, once a worker is free."),
    "additivity_gap": (GAPS, "Absolute difference of base plus contributions to the prediction."),
    "interval_width": (WIDTHS, "Widest 95 % interval of an explanation, in the output's unit."),
}
"""Buckets, and what each tells."""


class ExplanationMetrics:
    """Metrics by model and method in a registry of the caller's."""

    def __init__(self, registry: CollectorRegistry, models: Mapping[str, Explained | None]) -> None:
        one = ("model", "method")
        self._ended = Counter(
            f"{PREFIX}_explanations_total",
            "Explanations by why they asked no more of the predictor.",
            (*one, "stopped"),
            registry=registry,
        )
        self._counted = {
            name: Counter(f"{PREFIX}_{name}", told, one, registry=registry)
            for name, told in COUNTED.items()
        }
        self._measured = {
            name: Histogram(f"{PREFIX}_{name}", told, one, buckets=buckets, registry=registry)
            for name, (buckets, told) in MEASURED.items()
        }
        for name, model in models.items():
            for method in model.methods if model else ():
                self._create(name, method)

    def explained(self, explanation: Explanation) -> None:
        """Counts what one explanation cost and how good it is."""
        quality = explanation.quality
        one = (explanation.model, explanation.method)
        self._ended.labels(*one, quality.stopped).inc()
        self._measure(one, "explanation_duration_seconds", quality.seconds)
        self._count(one, "rows_total", quality.rows)
        self._count(one, "cached_rows_total", quality.cached)
        self._count(one, "calls_total", quality.calls)
        if isinstance(explanation.content, Attributions):
            self._attributed(one, explanation.content)

    def _attributed(self, one: tuple[str, str], content: Attributions) -> None:
        if content.additivity_gap is not None:
            self._measure(one, "additivity_gap", abs(content.additivity_gap))
        ends = [(each.low, each.high) for each in content.attributions]
        widths = [high - low for low, high in ends if low is not None and high is not None]
        if widths:
            self._measure(one, "interval_width", max(widths))
        self._count(one, "unreliable_intervals_total", content.interval == "unreliable")

    def _count(self, one: tuple[str, str], name: str, number: int) -> None:
        self._counted[name].labels(*one).inc(number)

    def _measure(self, one: tuple[str, str], name: str, value: float) -> None:
        self._measured[name].labels(*one).observe(value)

    def _create(self, model: str, method: str) -> None:
        for stopped in get_args(Stopped):
            self._ended.labels(model, method, stopped)
        for metric in (*self._counted.values(), *self._measured.values()):
            metric.labels(model, method)
