"""Metrics: labels are there before anything happens, and the README names them all."""

from __future__ import annotations

import math
import re
import threading
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.log.testing import MemoryLog
from sidelight_detectors.service.detectors import Detectors
from sidelight_detectors.service.group_metrics import GroupCollector, LagCollector
from sidelight_detectors.service.http.metrics import RequestMetrics
from sidelight_detectors.service.metrics import OTHER, ScorerMetrics
from sidelight_detectors.service.state_metrics import StateCollector
from sidelight_detectors.streaming.intake import FAULTS, SKIPS
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
