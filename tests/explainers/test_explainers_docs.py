"""docs/explain-service.md tells every route, metric and state that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from sidelight.config.explaining.service import ExplainersSettings
from sidelight_explainers.service.app import create_app
from sidelight_explainers.service.jobs.job import STATES
from tests.explainers.explaining_services import model

PAGE = (Path(__file__).parents[2] / "docs" / "explain-service.md").read_text()
REGISTRY = CollectorRegistry()
APP = create_app({"m": model()}, ExplainersSettings(warm_up=False), registry=REGISTRY)
METRICS = [one.name + ("_total" if one.type == "counter" else "") for one in REGISTRY.collect()]


@pytest.mark.parametrize("path", sorted(set(APP.openapi()["paths"]) - {"/"}))
def test_every_route_is_told(path: str) -> None:
    told = path.replace("{model}", "M").replace("{job}", "ID")
    assert f"{told}`" in PAGE


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_told(name: str) -> None:
    short = name.removeprefix("sidelight_explainers_")
    assert re.search(rf"`{short}[`{{]", PAGE)


@pytest.mark.parametrize("state", STATES)
def test_every_state_of_a_job_is_told(state: str) -> None:
    assert f"`{state}`" in PAGE
