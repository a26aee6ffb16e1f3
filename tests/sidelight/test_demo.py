"""The demo's own parts; the whole story runs in `tests/end_to_end/test_demo.py`."""

from __future__ import annotations

import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from sidelight.demo import attack, data, scenario
from sidelight.demo.alone import alone
from sidelight.demo.fairness import Fairness
from sidelight.demo.outcome import Outcome, Search
from sidelight.demo.prepare import FALSE_POSITIVES, Accuracy, free_addresses
from sidelight.demo.registry import LATE_SECONDS, Registry
from sidelight.demo.replay import Played, Recorded
from sidelight.demo.traffic import LARGEST_REQUEST, Answered, cuts
from sidelight.demo.watching import (
    OUTLIER,
    WINDOW,
    Caught,
    Flagged,
    Gap,
    Raised,
    Watcher,
    Window,
)
from sidelight.errors import ArtifactError, SidelightError
from sidelight.events import CloudEvent
from sidelight.events.feedback import Feedback
from sidelight.events.feedback import to_record as feedback_record
from sidelight.events.labels import Label
from sidelight.events.records import to_record
from sidelight.log import Address
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import ALARMS, INFERENCE, RESULTS
from sidelight.tensors import Columns

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
    event = _said("one", OUTLIER, body | {"feature_score": {"AGEP": 1.0}}, "outlier")
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


def test_an_attack_is_told_with_who_asked_and_how_often() -> None:
    log = MemoryLog()
    target = {"exchange": "inference/0/7", "row": 2}
    body = {"state": "raised", "n": 19, "clients": {"client-x": 19}, "target": target}
    log.append(ALARMS, [to_record(_said("a", "io.sidelight.alarm.v1", body, "adversarial"))])
    watcher = Watcher(log)
    watcher.look()

    assert watcher.caught == [Caught(("client-x",), 19, "row 2 of inference/0/7")]
    assert watcher.raised == []


def test_gaps_are_told_by_window_and_those_without_rows_are_not() -> None:
    log = MemoryLog()
    gap = {"metric": FALSE_POSITIVES, "value": 0.06, "low": 0.04, "high": 0.08, "verdict": "unfair"}
    groups = [{"labelled": 500}, {"labelled": 300}]
    finding = {"is_final": True, "gaps": [gap, {**gap, "value": None}], "groups": groups}
    body = {"finding": finding, "n": 900, "time_ns": {"from": 5, "to": 6}}
    log.append(RESULTS, [to_record(_said("g", WINDOW, body, "bias:labels"))])
    watcher = Watcher(log)
    watcher.look()

    assert [(one.window_ns, one.labelled, one.low) for one in watcher.gaps] == [(5, 800, 0.04)]


def test_exchanges_are_counted_and_feedback_between_them_is_not() -> None:
    log = MemoryLog()
    recorded = Recorded(log)
    told = to_record(CloudEvent("1", "a", "io.sidelight.inference.v1", data=b""))
    log.append(INFERENCE, [told, feedback_record(_FEEDBACK), told])

    assert recorded.count() == 2
    assert recorded.ends == (3,)


def test_labels_come_late_and_some_never() -> None:
    registry = Registry("127.0.0.1:1", {"2015": np.arange(2000) % 2}, seed=0)
    registry.hear(Answered("2015-0", slice(0, 1000)))

    due = np.array([at for at, _ in registry.waiting]) - time.monotonic()
    assert 0.85 < len(due) / 1000 < 0.95
    assert LATE_SECONDS / 2 < np.median(due) < LATE_SECONDS
    assert registry.waiting[0][1][1:] == [0, 0]


def test_the_attacker_never_asks_the_same_twice_and_keeps_what_helps(
    survey: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attack, "PAUSE_SECONDS", 0.0)
    people = scenario.build(survey, seed=3).quiet.people
    asked: list[Columns] = []

    def ask(person: Columns) -> float:
        asked.append(person)
        return int(person["SCHL"].values[0]) / 48 + 0.25 * int(person["MAR"].values[0] == "1")

    got = attack.Attacker(people.take(slice(0, 1)), people, ask, seed=0).search()

    told = [tuple(str(person[name].values[0]) for name in attack.CLAIMED) for person in asked]
    assert got.asked == len(set(told)) == attack.QUERIES
    assert got.succeeded_at is not None
    assert {name: people[name].values[0] for name in ("AGEP", "SEX")} == {
        name: asked[-1][name].values[0] for name in ("AGEP", "SEX")
    }


_FEEDBACK = Feedback("f", "/test", 1, "employment", (Label("2015-1", 0, 1),))


def _said(name: str, kind: str, body: dict[str, Any], detector: str = "drift") -> CloudEvent:
    told = {"data": body, "meta": {"detector_type": detector}}
    return CloudEvent(name, "sidelight/detectors", kind, data=orjson.dumps(told))


CAUGHT = Caught((attack.NAME,), 19, "row 0 of inference/0/9")
GAP = Gap("bias:labels", FALSE_POSITIVES, 5, 900, 850, 0.06, 0.04, 0.08, "unfair", True)


def _outcome(
    raised: tuple[Raised, ...],
    flagged: int = 10,
    caught: tuple[Caught, ...] = (CAUGHT,),
    gaps: tuple[Gap, ...] = (GAP,),
) -> Outcome:
    played = Played(onset_rows=1000, onset=(100,), rows=1500, requests=150, seconds=2.0)
    windows = tuple(Window(number, 250 * number, False, "AGEP", 0.01) for number in range(1, 7))
    row = Flagged(Address("inference", 0, 3), 1, 20.0, 0.001, "AGEP")
    told = {"data": {"attributions": [{"feature": "AGEP", "contribution": 0.1}]}}
    search = Search(500, attack.Attempt(150, 85), caught)
    accuracy = Accuracy(0.83, 0.83, 0.81)
    fairness = Fairness(gaps, ())
    return Outcome(played, windows, raised, flagged, accuracy, row, told, search, fairness)


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


@pytest.mark.parametrize(
    ("caught", "gaps", "told"),
    [
        ((), (GAP,), "the attack was not caught"),
        ((CAUGHT, Caught((), 12, "")), (GAP,), "1 attacks told of that were none"),
        ((CAUGHT,), (), "no window was settled by its labels"),
        ((CAUGHT,), (replace(GAP, is_final=False),), "no window was settled by its labels"),
        (
            (CAUGHT,),
            (replace(GAP, low=-0.01),),
            "women and men were not told apart by their false positives",
        ),
    ],
)
def test_an_attack_missed_or_a_gap_unseen_is_no_good_story(
    caught: tuple[Caught, ...], gaps: tuple[Gap, ...], told: str
) -> None:
    outcome = _outcome((Raised(1250, ("RELP",)),), caught=caught, gaps=gaps)

    assert list(outcome.shortfalls()) == [told]


def test_the_gap_is_shown_as_its_labels_came_in_the_largest_window() -> None:
    growing = [replace(GAP, labelled=labels, is_final=False) for labels in (300, 600)]
    other = replace(GAP, window_ns=9, rows=400)

    shown = Fairness((*growing, GAP, other), ()).shown

    assert [gap.labelled for gap in shown] == [300, 600, 850]


def test_a_second_demo_in_the_folder_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with alone(folder):
        with pytest.raises(SidelightError, match="another demo runs in"), alone(folder):
            pass
        with alone(tmp_path / "other"):
            pass
        (folder / "left").touch()
    with alone(folder):
        assert not list(folder.iterdir())
