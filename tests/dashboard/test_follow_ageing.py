"""What is old becomes coarse without becoming wrong, and what is too old is forgotten."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import orjson
import pytest

from sidelight.config.detecting.of_model import ModelDetectors
from sidelight.config.settings import Settings
from sidelight.log import Address, Log, Record
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import PANES, RESULTS
from sidelight_dashboard.following import strangest
from sidelight_dashboard.following.rolling import ROWS_AN_HOUR
from sidelight_dashboard.following.strangest import ROWS_A_WHILE
from sidelight_dashboard.showing import Showing
from sidelight_detectors.results.events import output_record
from sidelight_detectors.results.findings import About, OutlierResult
from tests.dashboard.filled import detect, follow, settings_of, shown
from tests.dashboard.test_follow import Portions, dump
from tests.detectors.traffic import MODEL, START_NS, record, rows

HOUR_NS = 3600 * 10**9
HOURS = 6


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """What is two hours old is coarse."""
    return settings_of(
        tmp_path_factory.mktemp("settings"),
        model={"detectors": {"drift": {"window": 40, "alarm": {"rule": "windows"}}, "outlier": {}}},
        dashboard={"pane_seconds": 300, "fine_seconds": 2 * 3600, "keep_seconds": 24 * 3600},
    )


def hours_of_traffic() -> list[Record]:
    """Six hours, an exchange of ten rows a minute."""
    columns = rows(10 * 60 * HOURS, seed=5)
    return [
        record(columns.take(slice(10 * minute, 10 * minute + 10)), 60 * minute)
        for minute in range(60 * HOURS)
    ]


@pytest.fixture(scope="module")
def log(told: Settings) -> Log:
    made = MemoryLog()
    detect(made, told, hours_of_traffic())
    return made


@contextmanager
def followed(told: Settings, log: Log, folder: Path, **dashboard: Any) -> Iterator[Showing]:
    """A store of one's own that holds all of the log."""
    own = told.dashboard.model_copy(update={"folder": folder, **dashboard})
    with shown(told.model_copy(update={"dashboard": own}), log) as showing:
        follow(showing)
        yield showing


@pytest.fixture(scope="module")
def fine(told: Settings, log: Log, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Showing]:
    """Nothing is old."""
    folder = tmp_path_factory.mktemp("fine")
    with followed(told, log, folder, fine_seconds=7 * 86_400, keep_seconds=7 * 86_400) as showing:
        yield showing


@pytest.fixture(scope="module")
def coarse(told: Settings, log: Log, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Showing]:
    with followed(told, log, tmp_path_factory.mktemp("coarse")) as showing:
        yield showing


def old_before(showing: Showing) -> int:
    """The begin of the hour that is not old yet."""
    ((newest,),) = showing.store.series.rows("SELECT max(last_ns) FROM version")
    return int(newest - 2 * HOUR_NS) // HOUR_NS * HOUR_NS


def test_old_slots_are_whole_hours_and_new_ones_stay_fine(coarse: Showing) -> None:
    before = old_before(coarse)

    found = coarse.store.series.rows("SELECT begin_ns, length_ns FROM slot ORDER BY begin_ns")

    old = [(begin, length) for begin, length in found if begin < before]
    assert len(old) == HOURS - 2
    assert all(begin % HOUR_NS == 0 and length == HOUR_NS for begin, length in old)
    assert {length for begin, length in found if begin >= before} == {300 * 10**9}


def test_hours_hold_exactly_what_their_slots_held(fine: Showing, coarse: Showing) -> None:
    before = old_before(coarse)
    read = "SELECT plan, summary, rows, flagged FROM slot WHERE begin_ns < ?"

    for hour in range(before // HOUR_NS - HOURS, before // HOUR_NS):
        parts = fine.store.series.rows(f"{read} AND begin_ns >= ?", hours(hour))
        whole = coarse.store.series.rows(f"{read} AND begin_ns >= ?", hours(hour))
        if not parts:
            assert not whole
            continue
        ((_, summary, count, flagged),) = whole
        assert summary == coarse.panes.add([part for _, part, _, _ in parts])
        assert count == sum(rows for _, _, rows, _ in parts)
        counts = [orjson.loads(one).get("outlier", 0) for _, _, _, one in parts]
        assert orjson.loads(flagged).get("outlier", 0) == sum(counts)


def hours(number: int) -> tuple[int, int]:
    """End and begin of the hour with that number."""
    return (number + 1) * HOUR_NS, number * HOUR_NS


def test_of_old_points_the_worst_window_is_kept_and_all_are_counted(
    fine: Showing, coarse: Showing
) -> None:
    before = old_before(coarse)
    hourly = (
        "SELECT series, end_ns / ?, max(end_ns), min(begin_ns), sum(windows), sum(drifted),"
        " sum(rows), max(low), min(effect_least) FROM point WHERE end_ns < ? GROUP BY 1, 2"
    )
    worst = "SELECT low, max(effect) FROM point WHERE (series, end_ns / ?, low) = (?, ?, ?)"

    expected = fine.store.series.rows(hourly, (HOUR_NS, before))
    found = coarse.store.series.rows(hourly, (HOUR_NS, before))

    assert (
        len(found)
        == coarse.store.series.rows("SELECT count(*) FROM point WHERE end_ns < ?", (before,))[0][0]
    )
    assert found == expected
    for series, hour, *_, low, _ in expected:
        given = (HOUR_NS, series, hour, low)
        assert coarse.store.series.rows(worst, given) == fine.store.series.rows(worst, given)


def test_of_old_windows_a_few_an_hour_stay_the_newest_among_them(
    fine: Showing, coarse: Showing
) -> None:
    before = old_before(coarse)
    newest = "SELECT end_ns / ?, max(end_ns) FROM judged WHERE end_ns < ? GROUP BY 1"
    most = (
        "SELECT max(n) FROM (SELECT count(*) AS n FROM judged WHERE end_ns < ? GROUP BY end_ns / ?)"
    )

    assert coarse.store.series.rows(newest, (HOUR_NS, before)) == fine.store.series.rows(
        newest, (HOUR_NS, before)
    )
    assert coarse.store.series.rows(most, (before, HOUR_NS)) <= [(5,)]
    assert fine.store.series.rows(most, (before, HOUR_NS)) > [(5,)]


@pytest.mark.parametrize("seed", range(3))
def test_however_the_log_is_read_the_same_becomes_coarse(
    told: Settings, log: Log, coarse: Showing, seed: int, tmp_path: Path
) -> None:
    portions: Any = Portions(log, random.Random(seed))
    with followed(told, portions, tmp_path) as showing:
        assert dump(showing.store) == dump(coarse.store)


def test_too_old_is_forgotten(told: Settings, log: Log, tmp_path: Path) -> None:
    with followed(told, log, tmp_path, keep_seconds=3 * 3600) as showing:
        read = showing.store.series.rows
        ((newest, oldest),) = read("SELECT max(last_ns), min(first_ns) FROM version")
        assert newest - oldest <= 4 * HOUR_NS
        for table, column in (("slot", "begin_ns"), ("point", "end_ns"), ("judged", "end_ns")):
            ((least,),) = read(f"SELECT min({column}) FROM {table}")  # noqa: S608
            assert least >= oldest


def flagged_rows(count: int, at_ns: int) -> list[Record]:
    """Rows that a detector found strange, the later the stranger."""
    return [
        output_record(
            OutlierResult(
                f"flag-{number}",
                About(MODEL, "1", "p"),
                "outlier",
                Address("inference", 0, number),
                0,
                at_ns + number,
                float(number),
                0.001,
                0.01,
                (("age", 1.0),),
            )
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("seed", range(2))
def test_of_very_many_flagged_rows_the_strangest_stay(
    told: Settings, tmp_path: Path, seed: int
) -> None:
    made = MemoryLog()
    records = flagged_rows(ROWS_A_WHILE + 300, START_NS)
    random.Random(seed).shuffle(records)
    made.append(RESULTS, records)
    with followed(told, made, tmp_path) as showing:
        scores = showing.store.series.rows("SELECT score FROM flagged ORDER BY score")

    assert scores == [(float(number),) for number in range(300, 300 + ROWS_A_WHILE)]


def test_a_flood_of_flagged_rows_is_sorted_once_a_batch(
    told: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sorts: list[int] = []

    def sort(series: apsw.Connection, *given: Any) -> None:
        sorts.append(series.changes())

    monkeypatch.setattr(strangest, "keep_strangest", sort)
    made = MemoryLog()
    made.append(RESULTS, flagged_rows(ROWS_A_WHILE + 900, START_NS))
    with followed(told, made, tmp_path):
        assert len(sorts) == 1


def test_of_old_flagged_rows_the_strangest_of_an_hour_stay(
    told: Settings, log: Log, tmp_path: Path
) -> None:
    both = MemoryLog()
    both.append(RESULTS, flagged_rows(100, START_NS))
    for topic in (PANES, RESULTS):
        both.append(topic, [stored.record for stored in log.read(topic, 0, 0, max_records=10_000)])
    with followed(told, both, tmp_path) as showing:
        begin_ns = START_NS // HOUR_NS * HOUR_NS
        scores = showing.store.series.rows(
            "SELECT score FROM flagged WHERE version = '1' AND time_ns < ? ORDER BY score DESC",
            (begin_ns + HOUR_NS,),
        )

    assert len(scores) == ROWS_AN_HOUR
    assert scores[0] == (99.0,)


def test_a_row_from_the_future_makes_nothing_old(told: Settings, tmp_path: Path) -> None:
    made, now_ns = MemoryLog(), time.time_ns()
    columns = rows(10 * 60, seed=7)
    minutes = [
        record(columns.take(slice(10 * n, 10 * n + 10)), n, time_ns=now_ns - (60 - n) * 60 * 10**9)
        for n in range(60)
    ]
    far = record(rows(10, seed=8), 60, time_ns=4_000_000_000 * 10**9)
    detect(made, told, [*minutes, far])
    with followed(told, made, tmp_path) as showing:
        lengths = showing.store.series.rows("SELECT DISTINCT length_ns FROM slot")

    assert lengths == [(300 * 10**9,)]


def test_an_alarm_that_stands_is_never_forgotten(told: Settings, tmp_path: Path) -> None:
    made = MemoryLog()
    shifted = [record(rows(40, seed=8, shift=3), 0)]
    columns = rows(10 * 60 * 5, seed=9)
    later = [
        record(columns.take(slice(10 * n, 10 * n + 10)), 3600 * 30 + 60 * n) for n in range(300)
    ]
    never = {"drift": {"window": 40, "alarm": {"rule": "windows", "clear_after": 1000}}}
    models = {
        MODEL: told.models[MODEL].model_copy(
            update={"detectors": ModelDetectors.model_validate(never)}
        )
    }
    own = told.model_copy(update={"models": models})
    detect(made, own, shifted + later)
    with followed(own, made, tmp_path) as showing:
        alarms = showing.store.series.rows("SELECT count(*) FROM alarm WHERE cleared_ns IS NULL")
        ((oldest,),) = showing.store.series.rows("SELECT min(end_ns) FROM judged")

    assert alarms == [(1,)]
    assert oldest > START_NS + 3600 * 10**9
