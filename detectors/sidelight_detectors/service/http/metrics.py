"""What was asked over HTTP, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram

from sidelight.serving.refusals import Busy, code_of

OUTCOMES = ("answered", "refused", "busy", "failed")
"""refused: the sender's fault (4xx); busy: no place (503); failed: ours, or the store's."""

DURATIONS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class RequestMetrics:
    """`models` are the configured ones."""

    def __init__(self, registry: CollectorRegistry, models: Sequence[str]) -> None:
        self._requests = Counter(
            "sidelight_detectors_requests",
            "Requests to score rows over HTTP, by what came of them.",
            ["outcome"],
            registry=registry,
        )
        self._rows = Counter(
            "sidelight_detectors_requested_rows",
            "Rows scored over HTTP; they enter no window.",
            ["model"],
            registry=registry,
        )
        self._durations = Histogram(
            "sidelight_detectors_request_duration_seconds",
            "Time from a request's head to its answer.",
            buckets=DURATIONS,
            registry=registry,
        )
        for outcome in OUTCOMES:
            self._requests.labels(outcome)
        for model in models:
            self._rows.labels(model)

    def rows(self, model: str, count: int) -> None:
        self._rows.labels(model).inc(count)

    @contextmanager
    def request(self) -> Iterator[None]:
        """Counts and times one."""
        begin, outcome = time.perf_counter(), "answered"
        try:
            yield
        except Exception as exc:
            outcome = _outcome(exc)
            raise
        finally:
            self._requests.labels(outcome).inc()
            self._durations.observe(time.perf_counter() - begin)


def _outcome(error: Exception) -> str:
    if isinstance(error, Busy):
        return "busy"
    return "refused" if code_of(error) < 500 else "failed"
