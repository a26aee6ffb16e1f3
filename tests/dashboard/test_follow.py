"""What the log says is in the tables, once, whatever happened in between."""

from __future__ import annotations

import os
import random
import signal
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from sidelight.config.settings import Settings
from sidelight.errors import LogUnreachable, OffsetOutOfRange
from sidelight.log import Log, Record, Span, Stored, open_log
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import ALARMS, DEAD_LETTERS, PANES, RESULTS
from sidelight_dashboard.following.follower import Follower
from sidelight_dashboard.live.revision import Revision
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.store.opening import Store
from sidelight_detectors.results.findings import (
    Alarm,
    DriftResult,
    OutlierResult,
    PromiseResult,
)
from sidelight_detectors.results.reading import read_alarms, read_results
from tests.dashboard.filled import (
    detect,
    drifting,
    filled,
    follow,
    settings_of,
    shown,
)
from tests.detectors.traffic import MODEL

GARBAGE = [
    Record(b""),
    Record(b"\x00\xff garbage"),
    Record(b"{}", b"", (("ce_id", b"1"),)),
    Record(b"{}", b"", (("ce_type", b"\xff"),)),
]


def dump(store: Store) -> dict[str, list[Any]]:
    """All that the store holds, save what the log's positions are."""
    names = store.series.rows(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    )
    return {
        name: sorted(store.series.rows(f'SELECT * FROM "{name}"'), key=str)  # noqa: S608
        for (name,) in names
    }


class Portions:
    """A log that gives a few records at a time, as many as chance says."""

    def __init__(self, log: Log, chance: random.Random) -> None:
        self._log = log
        self._chance = chance
        self.log_id = log.log_id

    def read(self, topic: str, partition: int, offset: int) -> list[Stored]:
        return self._log.read(topic, partition, offset, max_records=self._chance.randint(1, 40))

    def partitions(self, topic: str) -> int:
        return self._log.partitions(topic)

    def span(self, topic: str, partition: int) -> Span:
        return self._log.span(topic, partition)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return settings_of(tmp_path_factory.mktemp("settings"), dashboard={"pane_seconds": 7})


@pytest.fixture(scope="module")
def log(told: Settings) -> Log:
    """What the detectors said of `drifting`."""
    made = MemoryLog()
    detect(made, told, drifting())
    return made


@pytest.fixture(scope="module")
def usual(told: Settings, log: Log) -> dict[str, list[Any]]:
    """The store that comes of it when nothing happens."""
    with shown(told, log) as showing:
        follow(showing)
        return dump(showing.store)


@pytest.fixture
def anew(told: Settings, tmp_path: Path) -> Settings:
    """The same, with a folder for a store of the test's own."""
    return told.model_copy(
        update={"dashboard": told.dashboard.model_copy(update={"folder": tmp_path / "own"})}
    )


def test_rows_of_slots_are_the_rows_that_were_sent(showing: Showing) -> None:
    found = showing.store.series.rows(
        "SELECT version, SUM(rows) FROM slot WHERE model = ? GROUP BY version", (MODEL,)
    )

    assert found == [("1", 300), ("2", 300)]


def test_slots_are_as_long_as_the_setting_says_and_hold_what_lies_in_them(
    usual: dict[str, list[Any]], told: Settings
) -> None:
    bucket = int(told.detectors.bucket_seconds * 1e9)

    for _, _, _, _, begin, length, first, last, *_ in usual["slot"]:
        assert length == bucket
        assert begin % bucket == 0
        assert begin <= first <= last < begin + bucket


def test_each_window_is_there_with_its_columns(showing: Showing) -> None:
    windows = [
        one.output for one in read_results(showing.log) if isinstance(one.output, DriftResult)
    ]
    told = {
        (window.id, column.column, column.low, column.p_value)
        for window in windows
        for column in window.finding.columns
    }

    found = showing.store.series.rows(
        "SELECT judged.id, column, low, p_value FROM judged JOIN series USING"
        " (model, version, segment, against) JOIN point"
        " ON series.id = series AND point.end_ns = judged.end_ns"
    )

    assert len(windows) == 6
    assert set(found) == told


def test_each_flagged_row_is_there_with_its_score(showing: Showing) -> None:
    told = {
        (row.id, str(row.address), row.row, row.score, row.p_value)
        for row in (one.output for one in read_results(showing.log))
        if isinstance(row, OutlierResult)
    }

    found = showing.store.series.rows("SELECT id, exchange, row, score, p_value FROM flagged")

    assert set(found) == told


def test_promises_alarms_and_dead_letters_are_there(showing: Showing) -> None:
    (promise,) = (
        one.output for one in read_results(showing.log) if isinstance(one.output, PromiseResult)
    )
    (alarm,) = (one for one in read_alarms(showing.log))
    rows = showing.store.series.rows

    assert rows("SELECT plan, promise FROM plan") == [(promise.about.plan, promise.text)]
    assert isinstance(alarm.output, Alarm)
    ((id_, address, data),) = rows("SELECT id, address, data FROM alarm WHERE cleared_ns IS NULL")
    assert (id_, address) == (alarm.output.id, str(alarm.address))
    assert orjson.loads(zlib.decompress(data))["reason"] == "drift"
    assert rows("SELECT reason, count FROM dead_letter") == [("MalformedPayload", 1)]


def test_an_alarm_is_cleared_by_the_one_that_names_it(tmp_path: Path) -> None:
    told = settings_of(
        tmp_path,
        model={
            "detectors": {"drift": {"window": 50, "alarm": {"rule": "windows", "clear_after": 2}}}
        },
    )
    with filled(tmp_path, told=told) as showing:
        alarms = [one.output for one in read_alarms(showing.log)]
        cleared = {alarm.raised_by: alarm.time_ns for alarm in alarms if alarm.change == "cleared"}
        found: dict[str, int | None] = dict(
            showing.store.series.rows("SELECT id, cleared_ns FROM alarm")
        )

    raised = [alarm.id for alarm in alarms if alarm.change == "raised"]
    assert found == {id_: cleared.get(id_) for id_ in raised}


def test_rows_of_segments_stand_apart(tmp_path: Path) -> None:
    told = settings_of(
        tmp_path, model={"detectors": {"drift": {"window": 100, "by": "sex"}, "outlier": {}}}
    )
    with filled(tmp_path, told=told) as showing:
        found = showing.store.series.rows("SELECT segment, SUM(rows) FROM slot GROUP BY segment")
        judged = showing.store.series.rows("SELECT DISTINCT segment FROM series ORDER BY segment")

    assert {segment for segment, _ in found} == {"f", "m"}
    assert sum(rows for _, rows in found) == 600
    assert judged == [("",), ("f",), ("m",)]


@pytest.mark.parametrize("seed", range(4))
def test_however_the_log_is_read_the_same_is_folded(
    anew: Settings, log: Log, usual: dict[str, list[Any]], seed: int
) -> None:
    portions: Any = Portions(log, random.Random(seed))
    with shown(anew, portions) as showing:
        follow(showing)
        assert dump(showing.store) == usual


def test_what_is_read_again_changes_nothing(
    anew: Settings, log: Log, usual: dict[str, list[Any]]
) -> None:
    with shown(anew, log) as showing:
        follow(showing)
        with showing.store.series.writing() as series:
            series.execute("DELETE FROM position WHERE topic <> ?", (DEAD_LETTERS,))
        follow(showing)
        assert dump(showing.store) == usual


def killed_at(statement: int, settings: Settings, log: Log) -> bool:
    """Whether a process that follows the log came to that statement, where it kills itself."""
    child = os.fork()
    if not child:
        _follow_until(statement, settings, log)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def _follow_until(statement: int, settings: Settings, log: Log) -> None:
    left = iter(range(statement))

    def count(*_: object) -> bool:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        return True

    with shown(settings, log) as showing:
        with showing.store.series.writing() as series:
            series.set_exec_trace(count)
        portions: Any = Portions(log, random.Random(statement))
        follow(Showing(settings, showing.store, portions, showing.panes, showing.revision))


def killed_and_finished(
    statement: int, settings: Settings, log: Log
) -> Iterator[dict[str, list[Any]]]:
    """The store in the end, where a process was killed at that statement."""
    if killed_at(statement, settings, log):
        with shown(settings, log) as showing:
            follow(showing)
            yield dump(showing.store)


@pytest.mark.parametrize("statement", [3, 10, 25, 60, 140, 300, 500])
def test_killed_anywhere_it_ends_with_the_same_store(
    anew: Settings, log: Log, usual: dict[str, list[Any]], statement: int
) -> None:
    (found,) = killed_and_finished(statement, anew, log)

    assert found == usual


@pytest.mark.soak
def test_killed_at_any_statement_it_ends_with_the_same_store(
    told: Settings, log: Log, usual: dict[str, list[Any]], tmp_path: Path
) -> None:
    statement, found = 1, [usual]
    while found:
        assert found == [usual]
        own = told.dashboard.model_copy(update={"folder": tmp_path / str(statement)})
        found = list(
            killed_and_finished(statement, told.model_copy(update={"dashboard": own}), log)
        )
        statement += 3
    assert statement > 300


def test_what_cannot_be_read_is_counted_and_passed_by(anew: Settings) -> None:
    log = MemoryLog()
    for topic in (PANES, RESULTS, ALARMS, DEAD_LETTERS):
        log.append(topic, GARBAGE)
    detect(log, anew, drifting())
    with shown(anew, log) as showing:
        follow(showing)
        rows = showing.store.series.rows
        assert rows("SELECT sum(rows) FROM slot") == [(600,)]
        assert rows("SELECT count(*) FROM alarm") == [(1,)]
        counted: dict[str, int] = dict(rows("SELECT topic, count FROM unreadable"))

    assert counted == dict.fromkeys((PANES, RESULTS, ALARMS, DEAD_LETTERS), len(GARBAGE))


class Retired:
    """A log that lost what lies before `begin` of each partition."""

    def __init__(self, log: Log, begin: dict[str, int]) -> None:
        self._log = log
        self._begin = begin
        self.log_id = log.log_id

    def read(self, topic: str, partition: int, offset: int) -> list[Stored]:
        span = self.span(topic, partition)
        if not span.begin <= offset <= span.end:
            raise OffsetOutOfRange(f"{topic}/{offset}", begin=span.begin, end=span.end)
        return self._log.read(topic, partition, offset)

    def partitions(self, topic: str) -> int:
        return self._log.partitions(topic)

    def span(self, topic: str, partition: int) -> Span:
        return Span(self._begin.get(topic, 0), self._log.span(topic, partition).end)


def test_what_retention_took_before_it_was_read_is_missing_and_the_rest_is_there(
    anew: Settings, log: Log
) -> None:
    retired: Any = Retired(log, {PANES: 5, RESULTS: 10})
    with shown(anew, retired) as showing:
        follow(showing)
        ((rows,),) = showing.store.series.rows("SELECT sum(rows) FROM slot")

    assert 0 < rows < 600


def test_a_log_that_lost_its_end_is_read_again_and_nothing_counts_twice(
    anew: Settings, log: Log, usual: dict[str, list[Any]]
) -> None:
    gone = MemoryLog()
    with shown(anew, log) as showing:
        follow(showing)
        follow(Showing(anew, showing.store, gone, showing.panes, showing.revision))
        assert showing.store.series.rows("SELECT sum(rows) FROM slot") == [(600,)]
        follow(showing)
        assert dump(showing.store) == usual


def test_a_run_that_is_missing_is_a_gap(anew: Settings, log: Log) -> None:
    kept = MemoryLog()
    panes = [stored.record for stored in log.read(PANES, 0, 0)]
    kept.append(PANES, [panes[0], *panes[3:]])
    with shown(anew, kept) as showing:
        follow(showing)
        assert showing.store.series.rows("SELECT gaps FROM chain") == [(1,)]


def test_another_log_at_the_address_begins_anew(anew: Settings, log: Log) -> None:
    other = MemoryLog()
    other.log_id = "other"
    with shown(anew, log) as showing:
        follow(showing)
        after = Showing(anew, showing.store, other, showing.panes, showing.revision)
        follow(after)
        assert showing.store.series.rows("SELECT count(*) FROM slot") == [(0,)]
        assert showing.store.series.rows("SELECT log_id FROM origin") == [("other",)]


class Away:
    """A log that cannot be reached until it `is_back`."""

    log_id = "memory"

    def __init__(self, log: Log) -> None:
        self._log = log
        self.is_back = threading.Event()

    def partitions(self, topic: str) -> int:
        if not self.is_back.is_set():
            raise LogUnreachable("no broker answers at 127.0.0.1:9; start one")
        return self._log.partitions(topic)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


def test_a_log_that_is_away_is_said_and_asked_again(
    anew: Settings, log: Log, usual: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidelight_dashboard.following.follower.RETRY_SECONDS", 0.01)
    away: Any = Away(log)
    stop = threading.Event()
    with shown(anew, away) as showing:
        follower = Follower(showing, stop)
        thread = threading.Thread(target=follower.run)
        thread.start()
        wait_until(lambda: "no broker answers" in (follower.waits_for or ""))
        away.is_back.set()
        wait_until(lambda: follower.waits_for is None)
        stop.set()
        thread.join()
        assert dump(showing.store) == usual


class Noting(Revision):
    """Notes what the follower waits for at each rise."""

    def __init__(self) -> None:
        super().__init__()
        self.look: Callable[[], str | None] = lambda: None
        self.seen: list[str | None] = []

    def rise(self) -> None:
        self.seen.append(self.look())
        super().rise()


def test_it_is_not_ready_until_the_log_was_read_to_its_end(anew: Settings, log: Log) -> None:
    portions: Any = Portions(log, random.Random(1))
    with shown(anew, portions) as showing:
        noting = Noting()
        follower = Follower(
            Showing(anew, showing.store, portions, showing.panes, noting), threading.Event()
        )
        noting.look = lambda: follower.waits_for
        follower.catch_up()

    assert len(noting.seen) > 4
    assert all("not been read yet" in (one or "") for one in noting.seen)
    assert follower.waits_for is None


class Once(threading.Event):
    """Who waits for it is told to stop."""

    def wait(self, timeout: float | None = None) -> bool:
        self.set()
        return True


def test_a_full_disk_is_said_and_what_did_not_fit_is_folded_when_there_is_room(
    anew: Settings, log: Log, usual: dict[str, list[Any]]
) -> None:
    with shown(anew, log) as showing:
        ((pages,),) = showing.store.series.rows("PRAGMA page_count")
        showing.store.series.rows(f"PRAGMA max_page_count = {pages + 3}")
        follower = Follower(showing, Once())
        follower.run()
        assert "series.db: database or disk is full" in (follower.waits_for or "")
        showing.store.series.rows("PRAGMA max_page_count = 1000000")
        follow(showing)
        assert dump(showing.store) == usual


def test_a_local_log_is_followed_as_it_grows(told: Settings, tmp_path: Path) -> None:
    own = told.model_copy(
        update={"log": told.log.model_copy(update={"url": str(tmp_path / "log")})}
    )
    log = open_log(own.log)
    calm, drifted = drifting()[:30], drifting()[30:]
    with shown(own, log) as showing:
        follow(showing)
        assert showing.revision.number == 0
        detect(log, own, calm)
        follow(showing)
        assert showing.store.series.rows("SELECT sum(rows) FROM slot") == [(300,)]
        detect(log, own, drifted)
        follow(showing)
        assert showing.store.series.rows("SELECT sum(rows) FROM slot") == [(600,)]
        assert showing.revision.number > 1
    log.close()


def wait_until(is_so: Callable[[], object]) -> None:
    """Look again until it is so."""
    for _ in range(6000):
        if is_so():
            return
        threading.Event().wait(0.01)
    raise AssertionError("waited in vain")
