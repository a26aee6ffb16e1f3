"""The dashboards of Grafana as files; that they show something, `test_prometheus.py` tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from docs import grafana
from tests.dashboard.asking import DASHBOARD, GRAFANA, panels

UIDS = {"sidelight-fleet", "sidelight-model", "sidelight-logger", "sidelight-explainers"}


def test_the_files_are_what_their_descriptions_say() -> None:
    told = dict(grafana.texts())

    assert set(told) == set(GRAFANA)
    for path, text in told.items():
        assert path.read_text() == text, "run: python -m docs.grafana"


def test_uids_stay_because_links_name_them() -> None:
    assert {uid for uid, _ in panels()} == UIDS


@pytest.mark.parametrize("path", GRAFANA, ids=lambda path: path.stem)
def test_the_source_of_data_is_a_choice(path: Path) -> None:
    dashboard = json.loads(path.read_text())
    first, *others = dashboard["templating"]["list"]

    assert (first["name"], first["type"]) == ("datasource", "datasource")
    for one in (*dashboard["panels"], *others):
        assert one["datasource"]["uid"] == "${datasource}"


@pytest.mark.parametrize("path", GRAFANA, ids=lambda path: path.stem)
def test_panels_lie_beside_each_other(path: Path) -> None:
    dashboard = json.loads(path.read_text())
    taken = [
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in dashboard["panels"]
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    ]

    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24


def test_lines_are_steps_and_what_is_not_there_is_not_zero() -> None:
    for uid, panel in panels():
        told = panel["fieldConfig"]["defaults"]
        if panel["type"] == "timeseries":
            assert told["custom"]["lineInterpolation"] == "stepAfter", (uid, panel["title"])
            assert told["custom"]["spanNulls"] is False
        assert told["noValue"] == "no data"


def test_what_is_provisioned_is_where_the_provider_looks() -> None:
    provided = DASHBOARD / "grafana" / "provisioning"
    (provider,) = yaml.safe_load((provided / "dashboards" / "sidelight.yaml").read_text())[
        "providers"
    ]
    compose = yaml.safe_load((DASHBOARD.parent / "deploy" / "compose.yaml").read_text())
    mounted = [one.split(":")[:2] for one in compose["services"]["grafana"]["volumes"]]

    assert ["../dashboard/grafana/dashboards", provider["options"]["path"]] in mounted
    assert ["../dashboard/grafana/provisioning", "/etc/grafana/provisioning"] in mounted
