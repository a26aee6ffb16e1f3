"""The demo's own parts; the whole story runs in `tests/end_to_end/test_demo.py`."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from sidelight.demo import data, scenario
from sidelight.demo.outcome import Outcome
from sidelight.demo.prepare import Accuracy, free_addresses
from sidelight.demo.replay import Played
from sidelight.demo.traffic import LARGEST_REQUEST, cuts
from sidelight.demo.watching import OUTLIER, Flagged, Raised, Watcher, Window
from sidelight.errors import ArtifactError
from sidelight.events import CloudEvent
from sidelight.events.records import to_record
from sidelight.log import Address
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import ALARMS, RESULTS

FOLDER = Path("build/data")


@pytest.fixture(scope="module")
def survey() -> Path:
    return data.fetch(FOLDER)


def test_the_scenario_is_disjoint_and_as_large_as_it_says(survey: Path) -> None:
    story = scenario.build(survey, seed=3)

    sizes = [len(story.training.people), len(story.reference.people), len(story.quiet.people)]
    assert sizes == [20_000, 20_000, 28_785]
    assert len(story.opened.people) == scenario.OPENED_ROWS
    assert set(story.opened.year) == {2018}
    assert set(story.quiet.year) == {2015}


def test_only_the_share_in_group_quarters_is_moved_by_the_change(survey: Path) -> None:
    story = scenario.build(survey, seed=3)

    assert story.opened.in_group_quarters.mean() == pytest.approx(0.25)
    assert story.quiet.in_group_quarters.mean() == pytest.approx(0.075, abs=0.005)


def test_one_seed_gives_one_scenario(survey: Path) -> None:
    first, again = (scenario.build(survey, seed=5) for _ in range(2))

    assert np.array_equal(first.opened.people["AGEP"].values, again.opened.people["AGEP"].values)


def test_a_file_that_is_not_the_surveys_is_refused(tmp_path: Path) -> None:
    for name in data.SHA256:
        (tmp_path / name).write_bytes(b"something else")

    with pytest.raises(ArtifactError, match="is not the file of nannyml"):
        data.fetch(tmp_path)


def test_requests_hold_every_row_once() -> None:
    made = list(cuts(1000, np.random.default_rng(1)))

    assert [cut.start for cut in made[1:]] == [cut.stop for cut in made[:-1]]
    assert (made[0].start, made[-1].stop) == (0, 1000)
    assert max(cut.stop - cut.start for cut in made) <= LARGEST_REQUEST


def test_a_taken_port_is_replaced_by_a_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        taken.listen()
        addresses = free_addresses({"predictor": port})

    assert addresses["predictor"] != f"127.0.0.1:{port}"


def test_what_is_said_twice_counts_once() -> None:
    log = MemoryLog()
    body = {"exchange": "inference/0/3", "row": 1, "instance_score": 9.5, "p_val": 0.001}
    said = b'{"data": %s}' % orjson.dumps(body | {"feature_score": {"AGEP": 1.0}})
    event = CloudEvent("one", "sidelight/detectors", OUTLIER, data=said)
    watcher = Watcher(log)
    log.append(RESULTS, [to_record(event), to_record(event)])
    watcher.look()
    log.append(RESULTS, [to_record(event)])
    watcher.look()

    assert [one.address for one in watcher.flagged] == [Address("inference", 0, 3)]


def test_an_alarm_is_told_with_its_rows_and_columns_the_worst_first() -> None:
    log, suspects = MemoryLog(), [{"column": "RELP"}, {"column": "AGEP"}, {"column": "RELP"}]
    for number, state in enumerate(("raised", "cleared")):
        body = {"state": state, "rows_seen": 250 * (number + 1), "suspects": suspects}
        log.append(ALARMS, [to_record(_said(state, "io.sidelight.alarm.v1", body))])
    watcher = Watcher(log)
    watcher.look()

    assert watcher.raised == [Raised(250, ("RELP", "AGEP"))]


def _said(name: str, kind: str, body: dict[str, Any]) -> CloudEvent:
    return CloudEvent(name, "sidelight/detectors", kind, data=orjson.dumps({"data": body}))


def _outcome(raised: tuple[Raised, ...], flagged: int = 10) -> Outcome:
    played = Played(onset_rows=1000, onset=(100,), rows=1500, requests=150, seconds=2.0)
    windows = tuple(Window(number, 250 * number, False, "AGEP", 0.01) for number in range(1, 7))
    row = Flagged(Address("inference", 0, 3), 1, 20.0, 0.001, "AGEP")
    told = {"data": {"attributions": [{"feature": "AGEP", "contribution": 0.1}]}}
    return Outcome(played, windows, raised, flagged, Accuracy(0.83, 0.83, 0.81), row, told)


def test_an_alarm_after_the_change_and_none_before_is_the_promised_story() -> None:
    outcome = _outcome((Raised(1250, ("RELP",)),))

    assert list(outcome.shortfalls()) == []
    assert outcome.delay_rows == 250
    assert outcome.quiet_windows == 4


@pytest.mark.parametrize(
    ("raised", "flagged", "told"),
    [
        ((), 10, "no drift alarm after the change"),
        ((Raised(500, ("RELP",)), Raised(1250, ("RELP",))), 10, "before anything"),
        ((Raised(1250, ("RELP",)),), 50, "5.00% of quiet rows flagged"),
    ],
)
def test_a_story_that_did_not_come_out_says_why(
    raised: tuple[Raised, ...], flagged: int, told: str
) -> None:
    assert told in "; ".join(_outcome(raised, flagged).shortfalls())
