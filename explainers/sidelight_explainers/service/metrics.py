"""What the explain service tells Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Histogram

from sidelight.serving.refusals import Busy, code_of
from sidelight_explainers.contents.attributions import Attributions
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.service.refusals import CODES

Outcome = Literal["explained", "refused", "busy", "predictor_failed", "failed"]
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
GAPS = (1e-12, 1e-9, 1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1)
UNKNOWN = "unknown"
"""The model label of requests for a model that is not configured."""


class Metrics:
    """Metrics of the explain service in a registry of the caller's."""

    def __init__(self, registry: CollectorRegistry, models: Iterable[str]) -> None:
        self._requests = Counter(
            "sidelight_explainers_requests_total",
            "Explain requests by how they ended.",
            ("model", "outcome"),
            registry=registry,
        )
        self._seconds = Histogram(
            "sidelight_explainers_request_duration_seconds",
            "Time from the first byte of an explain request to its answer.",
            ("model",),
            buckets=SECONDS,
            registry=registry,
        )
        self._calls = Counter(
            "sidelight_explainers_predictor_calls_total",
            "Calls sent to the predictor for finished explanations, retries included.",
            ("model",),
            registry=registry,
        )
        self._rows = Counter(
            "sidelight_explainers_predictor_rows_total",
            "Rows sent to the predictor for finished explanations, retries included.",
            ("model",),
            registry=registry,
        )
        self._gap = Histogram(
            "sidelight_explainers_additivity_gap",
            "Absolute difference between base value plus contributions and the prediction.",
            ("model",),
            buckets=GAPS,
            registry=registry,
        )
        self._create(models)

    @contextmanager
    def request(self, model: str) -> Iterator[None]:
        """Counts and times what happens inside as one request."""
        started = perf_counter()
        outcome: Outcome = "failed"
        try:
            yield
            outcome = "explained"
        except Exception as exc:
            outcome = _outcome(exc)
            raise
        finally:
            self._requests.labels(model, outcome).inc()
            self._seconds.labels(model).observe(perf_counter() - started)

    def explained(self, explanation: Explanation) -> None:
        """Counts what one explanation cost and how well it adds up."""
        model = explanation.model
        self._calls.labels(model).inc(explanation.quality.calls)
        self._rows.labels(model).inc(explanation.quality.rows)
        content = explanation.content
        if isinstance(content, Attributions) and content.additivity_gap is not None:
            self._gap.labels(model).observe(abs(content.additivity_gap))

    def _create(self, models: Iterable[str]) -> None:
        for model in models:
            for outcome in get_args(Outcome):
                self._requests.labels(model, outcome)
            for metric in (self._seconds, self._calls, self._rows, self._gap):
                metric.labels(model)


def _outcome(error: Exception) -> Outcome:
    if isinstance(error, Busy):
        return "busy"
    code = code_of(error, CODES)
    if code in (502, 504):
        return "predictor_failed"
    return "failed" if code == 500 else "refused"
