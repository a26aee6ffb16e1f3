"""What the explain service tells Prometheus."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sidelight.serving.refusals import Busy, code_of
from sidelight_explainers.contents.attributions import Attributions
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.models import Explained
from sidelight_explainers.quality import Stopped
from sidelight_explainers.service.refusals import CODES, Gone

Outcome = Literal["explained", "refused", "busy", "gone", "predictor_failed", "failed"]
Ending = Literal["done", "failed", "cancelled"]
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 600)
GAPS = (1e-12, 1e-9, 1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1)
WIDTHS = (1e-6, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1, 10, 100)
UNKNOWN = "unknown"
"""The model label of requests for a model that is not configured."""
OF_METHOD = ("model", "method")


class Metrics:
    """Metrics of the explain service in a registry of the caller's."""

    def __init__(self, registry: CollectorRegistry, models: Mapping[str, Explained | None]) -> None:
        self._requests = Counter(
            "sidelight_explainers_requests_total",
            "Explain requests by how they ended; a job that was begun counts as explained.",
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
        self._jobs = Counter(
            "sidelight_explainers_jobs_total",
            "Jobs by how they ended.",
            ("model", "outcome"),
            registry=registry,
        )
        self._of_explanations(registry)
        self._create(models)

    def _of_explanations(self, registry: CollectorRegistry) -> None:
        self._explanations = Counter(
            "sidelight_explainers_explanations_total",
            "Explanations by why they asked no more of the predictor.",
            (*OF_METHOD, "stopped"),
            registry=registry,
        )
        self._explained_seconds = Histogram(
            "sidelight_explainers_explanation_duration_seconds",
            "Time that one explanation took, without the wait for a worker.",
            OF_METHOD,
            buckets=SECONDS,
            registry=registry,
        )
        self._rows = Counter(
            "sidelight_explainers_rows_total",
            "Different rows that finished explanations needed answers to.",
            OF_METHOD,
            registry=registry,
        )
        self._cached = Counter(
            "sidelight_explainers_cached_rows_total",
            "Those of the rows whose answers were known from others' questions.",
            OF_METHOD,
            registry=registry,
        )
        self._calls = Counter(
            "sidelight_explainers_calls_total",
            "Predictor calls that finished explanations took part in, a shared one once for each.",
            OF_METHOD,
            registry=registry,
        )
        self._gap = Histogram(
            "sidelight_explainers_additivity_gap",
            "Absolute difference between base value plus contributions and the prediction.",
            OF_METHOD,
            buckets=GAPS,
            registry=registry,
        )
        self._width = Histogram(
            "sidelight_explainers_interval_width",
            "Widest 95 % interval of an explanation's contributions, in the output's unit.",
            OF_METHOD,
            buckets=WIDTHS,
            registry=registry,
        )
        self._unreliable = Counter(
            "sidelight_explainers_unreliable_intervals_total",
            "Explanations that say themselves that their intervals are not to be relied on.",
            OF_METHOD,
            registry=registry,
        )

    @contextmanager
    def request(self, model: str) -> Iterator[None]:
        """Counts and times what happens inside as one request."""
        started = perf_counter()
        outcome: Outcome = "failed"
        try:
            yield
            outcome = "explained"
        except (Gone, asyncio.CancelledError):
            outcome = "gone"
            raise
        except Exception as exc:
            outcome = _outcome(exc)
            raise
        finally:
            self._requests.labels(model, outcome).inc()
            self._seconds.labels(model).observe(perf_counter() - started)

    def explained(self, explanation: Explanation) -> None:
        """Counts what one explanation cost and how good it is."""
        quality = explanation.quality
        one = (explanation.model, explanation.method)
        self._explanations.labels(*one, quality.stopped).inc()
        self._explained_seconds.labels(*one).observe(quality.seconds)
        self._rows.labels(*one).inc(quality.rows)
        self._cached.labels(*one).inc(quality.cached)
        self._calls.labels(*one).inc(quality.calls)
        if isinstance(explanation.content, Attributions):
            self._attributed(one, explanation.content)

    def job_ended(self, model: str, ending: Ending) -> None:
        self._jobs.labels(model, ending).inc()

    def _attributed(self, one: tuple[str, str], content: Attributions) -> None:
        if content.additivity_gap is not None:
            self._gap.labels(*one).observe(abs(content.additivity_gap))
        ends = [(each.low, each.high) for each in content.attributions]
        widths = [high - low for low, high in ends if low is not None and high is not None]
        if widths:
            self._width.labels(*one).observe(max(widths))
        if content.interval == "unreliable":
            self._unreliable.labels(*one).inc()

    def _create(self, models: Mapping[str, Explained | None]) -> None:
        for model in (*models, UNKNOWN):
            self._seconds.labels(model)
            for outcome in get_args(Outcome):
                self._requests.labels(model, outcome)
        for name, one in models.items():
            for ending in get_args(Ending) if one else ():
                self._jobs.labels(name, ending)
            for method in one.methods if one else ():
                self._create_method(name, method)

    def _create_method(self, model: str, method: str) -> None:
        for stopped in get_args(Stopped):
            self._explanations.labels(model, method, stopped)
        counters = (self._rows, self._cached, self._calls, self._unreliable)
        for metric in (*counters, self._explained_seconds, self._gap, self._width):
            metric.labels(model, method)


class Sent(Collector):
    """What really went to the predictors, read when it is asked for."""

    def __init__(self, models: Mapping[str, Explained | None]) -> None:
        self._models = models

    def collect(self) -> Iterable[Metric]:
        calls = CounterMetricFamily(
            "sidelight_explainers_predictor_calls_total",
            "Calls sent to the predictor, retries included, a shared one once.",
            labels=("model",),
        )
        rows = CounterMetricFamily(
            "sidelight_explainers_predictor_rows_total",
            "Rows sent to the predictor, retries included.",
            labels=("model",),
        )
        for name, model in self._models.items():
            if model is not None:
                calls.add_metric((name,), model.predictor.sent.calls)
                rows.add_metric((name,), model.predictor.sent.rows)
        return calls, rows


class KeptJobs(Collector):
    """How many jobs there are now, by state."""

    def __init__(self, count: Callable[[], Mapping[str, int]]) -> None:
        self._count = count

    def collect(self) -> Iterable[Metric]:
        jobs = GaugeMetricFamily(
            "sidelight_explainers_jobs", "Jobs that run or are kept, by state.", labels=("state",)
        )
        for state, count in self._count().items():
            jobs.add_metric((state,), count)
        return (jobs,)


def _outcome(error: Exception) -> Outcome:
    if isinstance(error, Busy):
        return "busy"
    code = code_of(error, CODES)
    if code in (502, 504):
        return "predictor_failed"
    return "failed" if code == 500 else "refused"
