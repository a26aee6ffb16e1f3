"""`sidelight log` on real logs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sidelight.command.newest import ends, newest
from sidelight.events import Body, CloudEvent, Exchange, exchanges
from sidelight.events.deadletters import dead_letter, to_event
from sidelight.events.records import to_record
from sidelight.log import Address, Log, Record, open_log
from sidelight.log.testing import MemoryLog
from tests.sidelight.test_command import run

TIME_NS = 1_700_000_000_000_000_000


def exchange(number: int, model: str = "income") -> Record:
    return exchanges.to_record(
        Exchange(
            id=f"x{number}",
            source="http://localhost:9081/",
            time_ns=TIME_NS,
            duration_ns=2_500_000,
            method="POST",
            path=f"/v2/models/{model}/infer",
            protocol="v2",
            model=model,
            version="3",
            status=200,
            outcome="answered",
            request=Body(b"request", size=7),
            response=Body(b"response", size=8),
        )
    )


def result(model: str, content: bytes, content_type: str = "application/json") -> Record:
    event = CloudEvent(
        id="r1",
        source="/sidelight/detectors",
        type="io.sidelight.result.drift.v1",
        time_ns=TIME_NS,
        datacontenttype=content_type,
        extensions={"modelname": model},
        data=content,
    )
    return to_record(event, b"r1")


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return open_log(tmp_path / "sidelight.db")


def told(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    ended = run("log", *arguments, cwd=folder)
    assert (ended.returncode, ended.stderr) == (0, "")
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_an_exchange_is_a_short_line(tmp_path: Path, log: Log) -> None:
    log.append("inference", [exchange(n) for n in range(30)])
    lines = told(tmp_path, "inference", "--limit", "2")
    assert [line["address"] for line in lines] == ["inference/0/28", "inference/0/29"]
    assert lines[1].pop("appended").endswith("Z")
    assert lines[1] == {
        "address": "inference/0/29",
        "id": "x29",
        "time": "2023-11-14T22:13:20Z",
        "model": "income",
        "version": "3",
        "method": "POST",
        "path": "/v2/models/income/infer",
        "status": 200,
        "outcome": "answered",
        "seconds": 0.0025,
        "request_bytes": 7,
        "response_bytes": 8,
    }


def test_bodies_are_shown_as_json_as_text_or_in_base64(tmp_path: Path, log: Log) -> None:
    whole = exchanges.from_record(exchange(0))
    bodies = (
        (Body(b'{"a": [1]}', "application/json"), Body(b'{"a": NaN', "application/json")),
        (Body(b"\x1f\x8b\xff", "application/json", "gzip"), Body(b"cut", truncated=True)),
    )
    kept = {"x-team": "a"}
    log.append(
        "inference",
        [
            exchanges.to_record(replace(whole, request=q, response=a, headers=kept))
            for q, a in bodies
        ],
    )
    log.append("inference", [Record(b"no exchange")])
    first, second, third = told(tmp_path, "inference", "--bodies")
    assert (first["request"], first["response"]) == ({"a": [1]}, '{"a": NaN')
    assert (second["request_base64"], second["response"]) == ("H4v/", "cut")
    assert first["headers"] == kept
    assert third["bytes"] == len(b"no exchange")


def test_json_data_stands_as_it_is_and_other_data_as_its_size(tmp_path: Path, log: Log) -> None:
    log.append("results", [result("m", b'{"data": {"n": 5}}'), result("m", b"\xff\x00", "image/x")])
    first, second = told(tmp_path, "results")
    assert (first["type"], first["modelname"]) == ("io.sidelight.result.drift.v1", "m")
    assert first["data"] == {"data": {"n": 5}}
    assert (second["bytes"], "data" in second) == (2, False)


def test_a_dead_letter_tells_its_cause_and_where_it_came_from(tmp_path: Path, log: Log) -> None:
    letter = dead_letter(
        ValueError("column 'age' is missing"),
        exchange(1),
        reporter="/sidelight/detectors",
        origin="inference/0/1",
        time_ns=TIME_NS,
    )
    log.append("dead-letters", [to_record(to_event(letter))])
    (line,) = told(tmp_path, "dead-letters", "--model", "income")
    assert (line["error"], line["message"]) == ("ValueError", "column 'age' is missing")
    assert (line["origin"], line["model"]) == ("inference/0/1", "income")


def test_what_is_no_event_is_told_by_key_headers_and_size(tmp_path: Path, log: Log) -> None:
    structured = (("content-type", b"application/cloudevents+json"),)
    log.append(
        "panes",
        [Record(b"\x78\x9c", b"p1", (("model", b"m"),)), Record(b"{broken", b"k", structured)],
    )
    pane, broken = told(tmp_path, "panes")
    assert (pane["key"], pane["model"], pane["bytes"]) == ("p1", "m", 2)
    assert (broken["key"], broken["bytes"]) == ("k", 7)
    assert broken["error"]


def test_the_newest_of_one_model_are_found_behind_many_others(tmp_path: Path, log: Log) -> None:
    log.append("inference", [exchange(n, "rare" if n < 3 else "often") for n in range(500)])
    lines = told(tmp_path, "inference", "--model", "rare", "--limit", "2")
    assert [line["id"] for line in lines] == ["x1", "x2"]
    assert told(tmp_path, "inference", "--model", "nobody") == []


@pytest.mark.parametrize("limit", [1, 7, 40, 100])
def test_partitions_are_merged_in_the_order_of_appending(limit: int) -> None:
    log = MemoryLog(partitions=3)
    appended = [log.append("results", [Record(b"%d" % n, b"%d" % n)])[0] for n in range(60)]
    found: list[Address] = newest(
        log, "results", ends(log, "results"), limit, lambda stored: stored.address
    )
    assert found == appended[-limit:]


def test_follow_goes_on_with_what_is_appended_until_ctrl_c(tmp_path: Path, log: Log) -> None:
    log.append("inference", [exchange(1)])
    process = subprocess.Popen(
        [sys.executable, "-m", "sidelight.command", "log", "inference", "--follow"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert json.loads(process.stdout.readline())["id"] == "x1"
        log.append("inference", [exchange(2), exchange(3)])
        assert json.loads(process.stdout.readline())["id"] == "x2"
        assert json.loads(process.stdout.readline())["id"] == "x3"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30) == ("", "")
        assert process.returncode == 130
    finally:
        process.kill()
        process.communicate()


def test_an_unknown_topic_is_refused_with_those_there_are(tmp_path: Path) -> None:
    ended = run("log", "alarm", cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        "sidelight: there is no topic 'alarm'; there are "
        "inference, halves, panes, results, alarms, dead-letters, state\n"
    )


def test_a_log_that_is_not_there_is_said_and_not_made(tmp_path: Path) -> None:
    ended = run("log", "alarms", cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.startswith("sidelight: there is no log at sidelight.db; ")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_topic_prints_nothing_and_looking_changes_nothing(
    tmp_path: Path, log: Log
) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert told(tmp_path, "alarms") == []
    assert sorted(tmp_path.rglob("*")) == before
