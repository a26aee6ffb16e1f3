"""Metrics: labels are there before anything happens, and the README names them all."""

from __future__ import annotations

import math
import re
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.log.testing import MemoryLog
from sidelight_detectors.flips.metrics import FlipCollector
from sidelight_detectors.service.attack_metrics import AttackCollector
from sidelight_detectors.service.bias_metrics import BiasCollector
from sidelight_detectors.service.detectors import Detectors
from sidelight_detectors.service.group_metrics import GroupCollector, LagCollector
from sidelight_detectors.service.http.metrics import RequestMetrics
from sidelight_detectors.service.label_metrics import LabelCollector
from sidelight_detectors.service.metrics import OTHER, ScorerMetrics
from sidelight_detectors.service.state_metrics import StateCollector
from sidelight_detectors.stations.metrics import StationCollector
from sidelight_detectors.streaming.intake import FAULTS, SKIPS
from sidelight_detectors.streaming.plan import Plan
from tests.detectors.labelling import (
    Asked,
    Event,
    Said,
    detector_of,
    fitted,
    people,
    stream,
)
from tests.detectors.traffic import MODEL, plan

README = Path(__file__).parents[2] / "detectors" / "README.md"


@pytest.fixture
def registry() -> CollectorRegistry:
    """The metrics of a service that has seen nothing yet."""
    found = CollectorRegistry()
    metrics = ScorerMetrics(found, [MODEL])
    service = Detectors(
        MemoryLog(), {MODEL: plan()}, DetectorsSettings(), metrics, threading.Event()
    )
    for _ in range(3):
        service.step()
    found.register(LagCollector(service.scorers, service.deciders))
    found.register(StateCollector(service.deciders))
    found.register(AttackCollector(service.deciders))
    found.register(LabelCollector(service.deciders))
    found.register(BiasCollector(service.deciders))
    found.register(StationCollector([]))
    found.register(FlipCollector([]))
    RequestMetrics(found, [MODEL])
    found.register(GroupCollector([service.scorers, service.deciders]))
    return found


def test_the_readme_names_every_metric_and_no_other(registry: CollectorRegistry) -> None:
    there = {
        metric.name + ("_total" if metric.type == "counter" else "")
        for metric in registry.collect()
    }
    assert set(re.findall(r"`(sidelight_[a-z_]+)`", README.read_text())) == there


def test_the_readme_names_every_outcome() -> None:
    told = README.read_text()
    for name in (*FAULTS, *SKIPS):
        assert f"`{name}`" in told


def test_labels_are_there_before_the_first_exchange(registry: CollectorRegistry) -> None:
    exchanges = "sidelight_detectors_exchanges_total"
    for model in (MODEL, OTHER):
        for outcome in ("scored", "dead-letter", *SKIPS):
            assert registry.get_sample_value(exchanges, {"model": model, "outcome": outcome}) == 0


def test_no_data_is_not_zero(registry: CollectorRegistry) -> None:
    labels = {"model": MODEL, "version": "", "segment": "", "detector": "drift", "feature": "sex"}
    labels["method"] = "chi2"
    distance = registry.get_sample_value("sidelight_drift_distance_ratio", labels)
    assert distance is not None
    assert math.isnan(distance)
    threshold = registry.get_sample_value("sidelight_drift_p_value_threshold", labels)
    assert threshold == pytest.approx(0.05 * 6 / math.pi**2 / 3)


def test_a_scrape_tells_what_came_of_labels_and_how_good_the_model_was() -> None:
    trail, truth = rows_with_truth(60)
    events: list[Event] = [
        Asked(1, "a", trail),
        *(Asked(90_000 + n, f"t{n}", trail) for n in (0, 1)),
    ]
    events += [Said(2, "a", row, truth[row]) for row in range(40)]
    known = Plan(MODEL, fitted(), DetectorsSettings())
    fold = known.folds()["labels"]
    for traced in stream(events, np.random.default_rng(1), longest=1):
        list(fold.accept(traced))
    watch = SimpleNamespace(folds={"labels": fold})
    deciding = SimpleNamespace(position=1, deciders={MODEL: SimpleNamespace(watch=watch)})
    found = CollectorRegistry()
    found.register(LabelCollector(SimpleNamespace(workers=[deciding])))  # type: ignore[arg-type]

    def value(name: str, **labels: str) -> float | None:
        return found.get_sample_value(f"sidelight_labels_{name}", {"model": MODEL, **labels})

    assert (
        found.get_sample_value("sidelight_labels_total", {"model": MODEL, "outcome": "joined"})
        == 40
    )
    assert value("rows_total", outcome="settled_with_a_label") == 40
    assert value("coverage_ratio", version="1") == pytest.approx(40 / 60)
    accuracy = value("performance", version="1", method="accuracy", final="yes")
    assert accuracy is not None
    assert 0.5 < accuracy < 1
    assert value("waiting_rows") == 120
    assert (value("memory_bytes") or 0) > 0


def rows_with_truth(count: int) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    table, known = people(count, 2), fitted()
    return detector_of(known).trail(known.index(table)), table["label"].values.astype(float)
