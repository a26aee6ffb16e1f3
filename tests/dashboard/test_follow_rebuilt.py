"""Who deletes series.db sees the same as before, to the byte."""

from __future__ import annotations

import random
import threading
from pathlib import Path
from typing import Any

import orjson
import pytest

from sidelight.log.testing import MemoryLog
from sidelight.log.topics import INFERENCE
from sidelight_dashboard.following.follower import Follower
from sidelight_dashboard.showing import Showing
from sidelight_detectors.service.planning import fitted_plans
from tests.dashboard.browsing import client
from tests.dashboard.filled import drifting, follow, settings_of, shown
from tests.dashboard.test_follow import Portions
from tests.detectors.traffic import MODEL, traffic
from tests.detectors.traffic import rows as people
from tests.detectors.watching import watch

HOURS = 6


def told_by(showing: Showing) -> dict[str, bytes]:
    """What the API answers, and what the answers lead to; the overview tells the time too."""
    asking, answers = client(showing), {}
    of_model = [
        f"/api/models/{MODEL}/{page}"
        for page in (
            *("drift", "drift?rows=all", "drift/compare", "drift/over-time?feature=age&last=30d"),
            *("drift/ranked", "drift/distribution?feature=age", "drift/jointly"),
            *("outliers", "outliers/rate", "outliers/p-values?detector=outlier"),
            *("bias", "attacks", "outliers?order=newest&version=1"),
        )
    ]
    alarms = orjson.loads(asking.get("/api/alarms").content)["alarms"]
    told = [f"/api/alarms/{one['id']}" for one in alarms]
    rows = [f"/api/rows/{INFERENCE}/0/{offset}/0" for offset in range(0, 60, 20)]
    for path in ("/api/alarms", *of_model, *told, *rows):
        answer = asking.get(path)
        answers[path] = f"{answer.status_code} ".encode() + answer.content
    return answers


@pytest.mark.parametrize("fine_seconds", [3600, 86_400])
def test_series_that_are_built_again_answer_the_same(tmp_path: Path, fine_seconds: int) -> None:
    told = settings_of(
        tmp_path,
        dashboard={"folder": str(tmp_path / "own"), "fine_seconds": fine_seconds},
    )
    log: Any = MemoryLog()
    plans = tuple(fitted_plans(told).values())
    with shown(told, log) as showing:
        for records in (drifting(), *_later()):
            log.append(INFERENCE, records)
            watch(log, plans, told.detectors)
            follow(showing)
        before = told_by(showing)
        showing.store.forget_series()
        portions: Any = Portions(log, random.Random(1))
        anew = Showing(told, showing.store, portions, showing.panes, showing.revision)
        Follower(anew, threading.Event()).catch_up()
        after = told_by(showing)

    assert [path for path in before if before[path] != after[path]] == []
    assert sum(answer.startswith(b"200") for answer in before.values()) > 12


def _later() -> list[list[Any]]:
    """Some rows of each of the hours after."""
    return [
        traffic(people(150, seed=hour), 10, first=3600 * hour, version="2")
        for hour in range(1, HOURS)
    ]
