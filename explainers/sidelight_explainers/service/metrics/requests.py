"""What the explain service tells Prometheus of requests and jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Histogram

from sidelight.serving.refusals import Busy, code_of
from sidelight_explainers.models import Explained
from sidelight_explainers.service.metrics.explanations import SECONDS
from sidelight_explainers.service.refusals import CODES, Gone

Outcome = Literal["explained", "refused", "busy", "gone", "predictor_failed", "failed"]
Ending = Literal["done", "failed", "cancelled"]
UNKNOWN = "unknown"
"""The model label of requests for a model that is not configured."""


class Metrics:
    """Metrics of requests and jobs in a registry of the caller's."""

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
        self._create(models)

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

    def job_ended(self, model: str, ending: Ending) -> None:
        self._jobs.labels(model, ending).inc()

    def _create(self, models: Mapping[str, Explained | None]) -> None:
        for model in (*models, UNKNOWN):
            self._seconds.labels(model)
            for outcome in get_args(Outcome):
                self._requests.labels(model, outcome)
        for name, one in models.items():
            for ending in get_args(Ending) if one else ():
                self._jobs.labels(name, ending)


def _outcome(error: Exception) -> Outcome:
    if isinstance(error, Busy):
        return "busy"
    code = code_of(error, CODES)
    if code in (502, 504):
        return "predictor_failed"
    return "failed" if code == 500 else "refused"
