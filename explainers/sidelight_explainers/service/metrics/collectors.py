"""What Prometheus is told of things that are counted elsewhere, read when it asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sidelight_explainers.models import Explained


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
