"""A back-test: what another configuration would have said, and what was said."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from sidelight.command.main import application
from sidelight.config.detecting.service import DetectorsSettings
from sidelight.config.settings import LogSettings
from sidelight.errors import ConfigError, NotEnoughData
from sidelight.log import Log, open_log
from sidelight.log.kafka.plans import plans
from sidelight.log.kafka.standing import create
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import ALL, INFERENCE
from sidelight_detectors.replay.replaying import Replayed
from sidelight_detectors.replay.replaying import replay as replay_log
from sidelight_detectors.replay.stretch import Between, counting, nanoseconds
from sidelight_detectors.results.findings import DriftResult
from sidelight_detectors.streaming.plan import Plan
from tests.detectors.test_plan_change import Known
from tests.detectors.test_score_command import write
from tests.detectors.traffic import MODEL, plan, rows, settings, traffic
from tests.detectors.watching import replayed as folded
from tests.detectors.watching import watch
from tests.kafka import Kafka

SERVICE = DetectorsSettings(run_rows=25)
WINDOWED: dict[str, Any] = {"rule": "windows", "clear_after": 2}
PLAN = plan(window=100, alarm=WINDOWED)
TOLERANT = plan(window=100, tolerance=0.9, alarm=WINDOWED)
OTHER = plan(window=100, cells=65, alarm=WINDOWED)
EVER = Between(0, 1 << 62)
PLANS = Known((PLAN, TOLERANT, OTHER))
NOTHING = Known(())


def story(partitions: int = 1) -> MemoryLog:
    """Ordinary rows, then drifted ones, watched as they came."""
    log = MemoryLog(partitions)
    log.append(INFERENCE, traffic(rows(300, 2), 5))
    log.append(INFERENCE, traffic(rows(200, 3, shift=1.5), 5, first=1000))
    watch(log, [PLAN], SERVICE)
    return log


def held(log: MemoryLog) -> dict[str, list[int]]:
    return {
        topic: [log.span(topic, one).end for one in range(log.partitions(topic))] for topic in ALL
    }


def again(log: Log, of: Plan, between: Between = EVER, known: Known = NOTHING) -> Replayed:
    (one,) = replay_log(log, {MODEL: of}, SERVICE, between, known)
    return one


def windows(one: Replayed) -> list[tuple[int, bool]]:
    return [(window.seen.rows, window.finding.is_drift) for window in one.windows]


def test_the_same_plan_says_again_what_was_said() -> None:
    log = story()
    before = held(log)
    one = again(log, OTHER)
    same = again(log, PLAN)
    assert one.source == "exchanges"
    said = folded(log, PLAN)
    judged = [output for output in said if isinstance(output, DriftResult)]
    assert same.windows == judged
    assert [alarm.change for alarm in same.alarms] == ["raised"]
    assert list(same.alarms) == list(same.really)
    assert same.rows == 500
    assert held(log) == before


@pytest.mark.parametrize("run_rows", [15, 70, 250])
def test_windows_end_where_they_did_whatever_rows_a_run_has(run_rows: int) -> None:
    service = SERVICE.model_copy(update={"run_rows": run_rows})
    (one,) = replay_log(story(), {MODEL: PLAN}, service, EVER, NOTHING)
    assert [rows for rows, _ in windows(one)] == [100] * 5


def test_read_from_exchanges_or_from_panes_the_answer_is_one() -> None:
    log = story()
    slow = again(log, TOLERANT)
    fast = again(log, TOLERANT, known=PLANS)
    assert (slow.source, fast.source) == ("exchanges", "panes")
    assert slow.windows == fast.windows
    assert slow.alarms == fast.alarms == []
    assert slow.flagged == fast.flagged
    assert fast.flagged["outlier"] > 0
    assert [alarm.change for alarm in fast.really] == ["raised"]


def test_panes_that_count_other_things_are_not_taken() -> None:
    log = story()
    one = again(log, OTHER, known=PLANS)
    assert one.source == "exchanges"
    assert one.exchanges["scored"] == 100


def test_panes_that_are_not_all_there_are_not_taken() -> None:
    log = story()
    log.append(INFERENCE, traffic(rows(50, 9), 5, first=5000))
    assert again(log, PLAN, known=PLANS).source == "exchanges"


def test_partitions_come_in_the_order_of_event_time() -> None:
    log = story(3)
    one = again(log, OTHER)
    assert one.rows == 500
    drifted = [is_drift for _, is_drift in windows(one)]
    assert drifted == sorted(drifted)
    assert one.decider.chain.gaps == 0


def test_only_what_was_logged_between_the_times_is_read(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log.db")
    try:
        log.append(INFERENCE, traffic(rows(120, 2), 1))
        (cut,) = {log.read(INFERENCE, 0, 50)[0].appended_ns}
        log.append(INFERENCE, traffic(rows(80, 3), 1, first=500))
        later = log.read(INFERENCE, 0, 120)[0].appended_ns
        assert later > cut
        assert again(log, PLAN, Between(0, later)).rows == 120
        assert again(log, PLAN, Between(later, later + 10**12)).rows == 80
        assert again(log, PLAN, Between(0, 1)).rows == 0
    finally:
        log.close()


def test_memory_holds_the_newest_windows_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidelight_detectors.replay.replaying.MAX_WINDOWS", 2)
    one = again(story(), PLAN)
    assert one.counts["windows"] == 5
    assert [is_drift for _, is_drift in windows(one)] == [True, True]


def test_progress_is_told_every_few_seconds() -> None:
    now, told = [0.0], list[str]()
    hear = counting(told.append, lambda: now[0])
    hear(700)
    now[0] = 2.5
    hear(800)
    hear(900)
    assert told == ["1,500 exchanges read"]


def test_a_time_without_a_zone_is_in_utc() -> None:
    naive = datetime.fromisoformat("2026-11-01T00:00")
    assert nanoseconds(naive, 0) == nanoseconds(naive.replace(tzinfo=UTC), 0) == 1793491200 * 10**9
    assert nanoseconds(None, 7) == 7


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "reference.parquet", rows(2000, seed=1))
    model = json.loads(settings(window=100, alarm=WINDOWED).model_dump_json(exclude_none=True))
    document = {
        "log": "log.db",
        "detectors": {"run_rows": 25},
        "models": {MODEL: {**model, "reference": "reference.parquet"}},
    }
    file = tmp_path / "other.yaml"
    file.write_text(json.dumps(document))
    return file


def run(*arguments: str) -> Result:
    return CliRunner().invoke(application(), ["replay", "--config", "other.yaml", *arguments])


def test_the_command_prints_tables_and_json_and_fails_when_asked(config: Path) -> None:
    log = open_log("log.db")
    log.append(INFERENCE, traffic(rows(300, 2), 5))
    log.append(INFERENCE, traffic(rows(200, 3, shift=1.5), 5, first=1000))
    log.close()
    result = run()
    assert result.exit_code == 0, result.exception
    assert result.stdout.splitlines()[0].startswith("income: 500 rows, plan ")
    assert "alarms of this configuration: 1 raised, 0 cleared" in result.stdout
    assert "alarms said then: 0 raised, 0 cleared" in result.stdout
    told = json.loads(run("--format", "json").stdout)["models"][MODEL]
    assert told["windows"]["windows"] == 5
    assert told["windows"]["newest"][-1]["worst"]["column"] in ("age", "score")
    assert [alarm["change"] for alarm in told["alarms"]] == ["raised"]
    assert told["exchanges"] == {"scored": 100}
    assert run("--fail-on", "drift").exit_code == 3
    assert told["flagged_by"]["outlier"] > 0
    assert "rows flagged by outlier (" in result.stdout
    assert run("--fail-on", "outlier").exit_code == 3
    assert run("--to", "2020-01-01").exit_code == 0
    nothing = run("--to", "2020-01-01", "--fail-on", "drift")
    assert isinstance(nothing.exception, NotEnoughData)
    assert run("--from", "2020-01-01T00:00", "--fail-on", "drift").exit_code == 3
    unknown = run("--fail-on", "smell")
    assert isinstance(unknown.exception, ConfigError)
    assert "there are drift, outlier" in str(unknown.exception)


def test_a_log_that_is_not_there_is_not_made(config: Path) -> None:
    result = run()
    assert isinstance(result.exception, ConfigError)
    assert "there is no log at" in str(result.exception)
    assert not Path("log.db").exists()


def test_on_kafka_the_same_plan_says_again_what_was_said(kafka_broker: Kafka) -> None:
    where = LogSettings(url=kafka_broker.fresh_url(), partitions=2)
    create(where, plans(where))
    log = open_log(where)
    try:
        log.append(INFERENCE, traffic(rows(300, 2), 5))
        log.append(INFERENCE, traffic(rows(200, 3, shift=1.5), 5, first=1000))
        watch(log, [PLAN], SERVICE)
        ends = [log.span(INFERENCE, one).end for one in range(2)]
        same, other = again(log, PLAN), again(log, OTHER)
        assert [log.span(INFERENCE, one).end for one in range(2)] == ends
    finally:
        log.close()
    assert (same.source, same.rows, other.rows) == ("panes", 500, 500)
    assert sum(rows for rows, _ in windows(same)) == 500
    assert any(is_drift for _, is_drift in windows(other))
    assert list(same.alarms) == list(same.really)
    assert [alarm.change for alarm in same.alarms] == ["raised"]
