"""The alarm of bias on the log: raised while it goes on, by name, and the same after crashes."""

from __future__ import annotations

import numpy as np
import pytest

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.config.settings import ModelSettings
from sidelight.log import Record
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import ALARMS, INFERENCE
from sidelight.tensors import Columns
from sidelight_detectors.fitted import fit
from sidelight_detectors.results.findings import Alarm
from sidelight_detectors.streaming.plan import Plan
from tests.detectors.traffic import MODEL, rows, settings, traffic
from tests.detectors.watching import Fuse, records_of, replayed, watch

SERVICE = DetectorsSettings(run_rows=100)


def decided(count: int, seed: int, less: float = 0.0) -> Columns:
    """Rows with scores about a half; women's are so much less."""
    drawn = rows(count, seed)
    women = drawn["sex"].values == "f"
    score = np.clip(drawn["score"].values + 0.1 - less * women, 0, 1)
    return Columns.of(age=drawn["age"].values, sex=drawn["sex"].values, score=score)


@pytest.fixture(scope="module")
def plan() -> Plan:
    given = settings().model_dump(mode="json", exclude_unset=True)
    given["outcome"] = {"probability": "score"}
    given["detectors"] = {"bias": {"protected": {"sex": {"privileged": "m"}}}}
    return Plan(MODEL, fit(decided(2000, 1), ModelSettings.model_validate(given)), SERVICE)


def story() -> list[Record]:
    return [
        *traffic(decided(1500, 2), 20),
        *traffic(decided(1500, 3, less=0.2), 20, 1000),
        *traffic(decided(3000, 4), 20, 2000),
    ]


def told(plan: Plan, records: list[Record], crashes: tuple[Fuse, ...] = ()) -> MemoryLog:
    log = MemoryLog(1)
    log.append(INFERENCE, records)
    watch(log, [plan], SERVICE, crashes)
    return log


def test_a_model_that_begins_to_treat_women_differently_is_alarmed_by_name(plan: Plan) -> None:
    log = told(plan, story())
    alarms = [one for one in replayed(log, plan) if isinstance(one, Alarm)]

    assert [one.change for one in alarms] == ["raised", "cleared"]
    raised = alarms[0]
    assert (raised.detector, raised.reason) == ("bias", "bias")
    assert raised.evidence >= raised.threshold
    assert {one.column for one in raised.suspects} <= {
        "statistical_parity_difference of sex: f beside m",
        "disparate_impact_ratio of sex: f beside m",
    }
    assert 1500 < raised.rows_seen < 2500
    assert len(records_of(log, ALARMS)) == 2


def test_crashes_change_nothing_of_the_alarm(plan: Plan) -> None:
    records = story()
    whole = told(plan, records)
    crashing = MemoryLog(1)
    crashing._records[INFERENCE, 0] = whole._records[INFERENCE, 0]
    watch(crashing, [plan], SERVICE, [Fuse(7), Fuse(30, before=False), Fuse(55)])

    assert records_of(crashing, ALARMS) == records_of(whole, ALARMS)
