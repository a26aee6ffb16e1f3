"""Rules: told by promtool that they are right, and by a real Prometheus that they are about us."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from sidelight.tensors import Columns
from tests.dashboard.asking import RULES, asked_by_grafana, asked_by_rules, rules
from tests.dashboard.everything import SERVICES, Everything, everything
from tests.dashboard.scraping import IS_HERE, PROMETHEUS, Prometheus, prometheus, until
from tests.demo import standing
from tests.detectors.traffic import MODEL, rows

pytestmark = pytest.mark.skipif(not IS_HERE, reason="no prometheus: apt-get install prometheus")

ONLY_ELSEWHERE = {
    "sidelight_station_broken_windows_total": "counts from the first window on",
}


@dataclass(frozen=True)
class Scraped:
    services: Everything
    prometheus: Prometheus


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraped]:
    """Ordinary people, then older ones, seen by every service while Prometheus asks them all."""
    folder = tmp_path_factory.mktemp("scraped")
    with (
        everything(folder) as services,
        prometheus(services.addresses, folder) as asked,
    ):
        # what is counted before it is asked for the first time is no rate
        until(lambda: len(asked.values("up == 1")) == len(SERVICES))
        for number in range(6):
            services.send(rows(50, seed=number))
        until(lambda: asked.values('sidelight_detectors_rows_total{version="1"} > 0'))
        for number in range(14):
            services.send(rows(50, seed=number + 6, shift=1.5))
        for _ in range(2):
            services.explain(Columns.of(age=np.array([40.0]), sex=np.array(["f"], object)))
        until(lambda: "SidelightDrift" in asked.firing())
        yield Scraped(services, asked)


def test_promtool_finds_nothing_wrong() -> None:
    _promtool("check", "rules", *map(str, RULES))
    _promtool("check", "config", str(PROMETHEUS / "prometheus.yml"))


def test_alerts_fire_when_they_should_and_not_when_all_is_well() -> None:
    _promtool("test", "rules", *map(str, (PROMETHEUS / "tests").glob("*.yml")))


@pytest.mark.parametrize("alert", [rule["alert"] for rule in rules("alert")])
def test_each_alert_is_raised_in_a_test(alert: str) -> None:
    tests = "".join(path.read_text() for path in (PROMETHEUS / "tests").glob("*.yml"))

    assert re.search(rf'alertname[=:] ?"?{alert}\b', tests)


def test_traffic_that_changes_ends_as_an_alert_that_says_what_to_do(scraped: Scraped) -> None:
    until(lambda: {"SidelightDrift", "SidelightBias"} <= scraped.prometheus.firing().keys())
    drift = scraped.prometheus.firing()["SidelightDrift"]

    assert drift["labels"]["model"] == MODEL
    assert "age 0." in drift["annotations"]["description"]
    assert drift["annotations"]["runbook_url"] == "https://code.example/docs/runbooks/drift.md"


def test_the_dashboard_has_told_a_webhook_of_what_was_raised(scraped: Scraped) -> None:
    taken = 'sidelight_dashboard_deliveries_total{receiver="webhook/pager", outcome="taken"} > 1'
    until(lambda: scraped.prometheus.values(taken))


def test_nothing_is_absent_or_down_while_all_services_run(scraped: Scraped) -> None:
    firing = scraped.prometheus.firing()

    assert not [name for name in firing if name.endswith(("Absent", "Down"))]


def test_every_metric_of_a_rule_is_served(scraped: Scraped) -> None:
    served = _names(scraped.prometheus)
    for asked in asked_by_rules():
        assert asked.metrics - ONLY_ELSEWHERE.keys() <= served, asked.place


def test_every_rule_that_records_gives_a_series(scraped: Scraped) -> None:
    names = {rule["record"] for rule in rules("record")}

    def missing() -> set[str]:
        return {name for name in names if not scraped.prometheus.values(name)}

    with contextlib.suppress(TimeoutError):
        until(lambda: not missing(), 20)
    assert not missing()


def test_every_panel_of_grafana_shows_a_series_named_by_labels_that_exist(
    scraped: Scraped,
) -> None:
    for asked in asked_by_grafana(MODEL):
        found = scraped.prometheus.values(asked.expr)

        assert found, f"{asked.place} shows nothing: {asked.expr}"
        known = {label for one in found for label in one["metric"]}
        assert asked.named_by <= known, f"{asked.place}: no {asked.named_by - known}"


@pytest.mark.soak
def test_every_panel_of_grafana_shows_a_series_in_the_demo(tmp_path: Path) -> None:
    """Those of sinks apart, which the demo has none of."""
    with standing(tmp_path) as demo:
        services = ("logger", "detectors", "explainers", "dashboard")
        targets = {name: demo.url(name).removeprefix("http://") for name in services}
        with prometheus(targets, tmp_path) as asked:
            until(lambda: {"SidelightDrift", "SidelightBias"} <= asked.firing().keys())
            queries = [one for one in asked_by_grafana("employment") if "_sink_" not in one.expr]
            until(lambda: all(asked.values(one.expr) for one in queries))


def test_every_label_that_is_asked_for_exists(scraped: Scraped) -> None:
    for asked in (*asked_by_rules(), *asked_by_grafana(MODEL)):
        known = {"instance", "job", "le", "at", "sidelight"}
        for metric in asked.metrics:
            known |= {key for one in scraped.prometheus.values(metric) for key in one["metric"]}
        told = asked.labels - known
        if "sidelight:" not in asked.expr and not asked.metrics & ONLY_ELSEWHERE.keys():
            assert not told, f"{asked.place} asks for {told}"


def _names(asked: Prometheus) -> set[str]:
    found = asked.values('group by (__name__) ({__name__=~"sidelight_.+"})')
    return {one["metric"]["__name__"] for one in found}


def _promtool(*arguments: str) -> None:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
