"""What this process counts: exchanges taken, dead letters, durations, lag.

Counters begin at zero with the process, as Prometheus expects; what belongs to a model's results
is in `state_metrics`, and survives.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from sidelight.probes import UNPROVEN
from sidelight_detectors.streaming.intake import FAULTS, SKIPS
from sidelight_detectors.streaming.run import Run

OTHER = "other"
"""The model label of exchanges that no configured model answers for."""

DURATIONS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)


class ScorerMetrics:
    """`observe` is called after each run. `models` are the configured ones."""

    def __init__(self, registry: CollectorRegistry, models: Sequence[str]) -> None:
        self._exchanges = Counter(
            "sidelight_detectors_exchanges",
            "Exchanges taken from the log, by what came of them.",
            ["model", "outcome"],
            registry=registry,
        )
        self._dead_letters = Counter(
            "sidelight_detectors_dead_letters",
            "Exchanges that could not be scored and were put aside with their cause.",
            ["reason"],
            registry=registry,
        )
        self._claims = Counter(
            "sidelight_detectors_unproven_probes",
            "Exchanges scored as traffic though they say that Sidelight asked them itself.",
            ["model", "reason"],
            registry=registry,
        )
        self._durations = Histogram(
            "sidelight_detectors_score_duration_seconds",
            "Time from the end of a run to its commit.",
            buckets=DURATIONS,
            registry=registry,
        )
        self._last = Gauge(
            "sidelight_detectors_last_scored_timestamp_seconds",
            "Event time of the newest exchange scored by this process, 0 before the first.",
            registry=registry,
        )
        self._create_labels(models)

    def observe(self, run: Run) -> None:
        """A run was committed."""
        for (model, outcome), count in run.outcomes.items():
            self._exchanges.labels(model or OTHER, outcome).inc(count)
        for reason, count in run.faults.items():
            self._dead_letters.labels(reason).inc(count)
        for (model, claim), count in run.claims.items():
            self._claims.labels(model, claim).inc(count)
        self._durations.observe(run.seconds)
        times = [sample.time_ns for samples in run.samples.values() for sample in samples]
        if times:
            self._last.set(max(times) / 1e9)

    def _create_labels(self, models: Sequence[str]) -> None:
        for model in (*models, OTHER):
            for outcome in ("scored", "dead-letter", *SKIPS):
                self._exchanges.labels(model, outcome)
        for model, claim in product(models, UNPROVEN):
            self._claims.labels(model, claim)
        for reason in FAULTS:
            self._dead_letters.labels(reason)
