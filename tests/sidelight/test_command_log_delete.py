"""`sidelight log delete`: nothing of an exchange is left in the files, while the log is used."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from sidelight.config.settings import LogSettings
from sidelight.events import Body, CloudEvent, Exchange, exchanges, feedback, kserve, records
from sidelight.events.deadletters import dead_letter, to_event
from sidelight.events.erasure import Forgotten, emptied
from sidelight.events.labels import Label
from sidelight.log import topics
from sidelight.log.contract import Log, Record
from sidelight.log.local import LocalLog
from sidelight.log.opening import open_log
from tests.sidelight.test_command import run

SECRET = b"5500-0000-0000-0004"
TIME_NS = 1_700_000_000_000_000_000


def exchange(id_: str, content: bytes, correlation: str = "") -> Exchange:
    return Exchange(
        id=id_,
        source="http://localhost:9081/",
        time_ns=TIME_NS,
        duration_ns=5,
        method="POST",
        path="/v1/models/income:predict",
        protocol="v1",
        model="income",
        version="3",
        status=200,
        outcome="answered",
        request=Body(content, size=len(content)),
        response=Body(content, size=len(content)),
        correlation_id=correlation,
        headers={"x-note": content.decode()} if len(content) < 50 else {},
        sequence=7,
        log_id="l",
    )


def fill(log: Log, wanted: str) -> str:
    """Everything that knows of the exchange `wanted`; where it stands in the log."""
    one = exchange(wanted, SECRET, f"c-{wanted}")
    large = exchange("large", b"x" * 50_000)
    # Small records first: the tree's first page is split while they are on it.
    log.append(topics.INFERENCE, [exchanges.to_record(exchange(f"a{n}", b"ok")) for n in range(5)])
    (address,) = log.append(topics.INFERENCE, [exchanges.to_record(one)])
    log.append(topics.INFERENCE, [exchanges.to_record(exchange(f"b{n}", b"ok")) for n in range(90)])
    log.append(topics.INFERENCE, [exchanges.to_record(large)])
    told = feedback.Feedback("f", "s", TIME_NS, "income", (Label("b1", 0, 1), Label(wanted, 0, 1)))
    log.append(topics.INFERENCE, [feedback.to_record(told)])
    halves = [records.to_record(half) for half in kserve.to_events(one, TIME_NS)]
    log.append(topics.HALVES, halves)
    letter = dead_letter(
        ValueError("bad"),
        exchanges.to_record(one),
        reporter="detectors",
        origin=str(address),
        time_ns=TIME_NS,
    )
    log.append(topics.DEAD_LETTERS, [records.to_record(to_event(letter), b"k")])
    row = orjson.dumps({"data": {"address": str(address), "reasons": [SECRET.decode()]}})
    flagged = CloudEvent("r", "s", "io.sidelight.result.outlier.v1", data=row)
    log.append(topics.RESULTS, [records.to_record(flagged, b"r"), Record(b'{"data":{}}')])
    return str(address)


def files(folder: Path) -> bytes:
    """Read by another process: to close a file of SQLite's here would drop its locks."""
    found = subprocess.run(
        ["find", str(folder), "-type", "f", "-exec", "cat", "{}", "+"],
        capture_output=True,
        check=True,
    )
    return found.stdout


@pytest.fixture
def log(tmp_path: Path) -> Iterator[LocalLog]:
    one = open_log(LogSettings(url=str(tmp_path / "sidelight.db")))
    assert isinstance(one, LocalLog)
    yield one
    one.close()


@pytest.mark.parametrize("asked", ["wanted", "c-wanted"])
def test_nothing_of_a_deleted_exchange_is_left_in_the_files(
    log: LocalLog, tmp_path: Path, asked: str
) -> None:
    fill(log, "wanted")
    assert SECRET in files(tmp_path)
    ended = run("log", "delete", asked, cwd=tmp_path)  # while this process has the log open
    assert ended.returncode == 0, ended.stderr
    assert "inference: " in ended.stdout
    assert SECRET not in files(tmp_path)
    assert base64.b64encode(SECRET)[:20] not in files(tmp_path)
    span = log.span(topics.INFERENCE, 0)
    assert (span.begin, span.end) == (0, 98)
    kept = log.read(topics.INFERENCE, 0, 0)
    assert len(kept) == 98  # no number is missing: whoever counts goes on
    gone = exchanges.from_record(kept[5].record)
    assert (gone.id, gone.status, gone.sequence) == ("wanted", 200, 7)
    assert (gone.request.content, gone.correlation_id, gone.path) == (b"", "", "")
    assert exchanges.from_record(kept[96].record).request.content == b"x" * 50_000
    log.append(topics.INFERENCE, [exchanges.to_record(exchange("later", b"ok"))])
    assert log.span(topics.INFERENCE, 0).end == 99
    assert log.damage == ()


def test_labels_of_a_deleted_exchange_are_nobodys(log: LocalLog, tmp_path: Path) -> None:
    fill(log, "wanted")
    assert run("log", "delete", "wanted", cwd=tmp_path).returncode == 0
    told = feedback.from_record(log.read(topics.INFERENCE, 0, 97)[0].record)
    assert told.labels == (Label("b1", 0, 1), Label("deleted", 0, None))


def test_a_log_that_was_closed_and_rolled_is_sound_afterwards(tmp_path: Path) -> None:
    place = LogSettings(url=str(tmp_path / "sidelight.db"), segment_bytes=64 << 10)
    first = open_log(place)
    for number in range(6):
        first.append(topics.INFERENCE, [exchanges.to_record(exchange(f"p{number}", b"y" * 30_000))])
        if number == 2:
            fill(first, "wanted")
    first.close()
    assert run("log", "delete", "wanted", cwd=tmp_path).returncode == 0
    assert SECRET not in files(tmp_path)
    again = LocalLog(place)
    offset, found = 0, 0
    while stored := again.read(topics.INFERENCE, 0, offset):
        offset, found = stored[-1].address.offset + 1, found + len(stored)
    assert found == offset == again.span(topics.INFERENCE, 0).end
    assert again.damage == ()
    again.close()


def test_a_running_writer_goes_on_while_records_are_deleted(log: LocalLog, tmp_path: Path) -> None:
    fill(log, "wanted")
    writer = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys\n"
            "from sidelight.log import open_log, Record\n"
            "log = open_log(sys.argv[1])\n"
            "for n in range(3000): log.append('inference', [Record(b'z' * 500, b'w')])\n"
            "log.close()\n",
            str(tmp_path / "sidelight.db"),
        ]
    )
    try:
        ended = run("log", "delete", "wanted", cwd=tmp_path)
        assert writer.wait(200) == 0
    finally:
        writer.kill()
    assert ended.returncode == 0, ended.stderr
    assert SECRET not in files(tmp_path)
    assert log.span(topics.INFERENCE, 0).end == 98 + 3000


def test_what_is_not_there_changes_nothing(log: LocalLog, tmp_path: Path) -> None:
    fill(log, "wanted")
    ended = run("log", "delete", "nobody", cwd=tmp_path)
    assert ended.returncode == 0
    assert "inference: 0 records" in ended.stdout
    assert "no exchange has the id 'nobody', neither ours nor a client's" in ended.stdout
    assert SECRET in files(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["log", "delete"], "takes the ids"),
        (["log", "delete", ""], "takes the ids"),
        (["log", "inference", "x"], "only delete takes ids"),
        (["log", "delete", "x"], "there is no log"),
    ],
)
def test_what_cannot_be_deleted_is_told(tmp_path: Path, arguments: list[str], message: str) -> None:
    ended = run(*arguments, cwd=tmp_path)
    assert ended.returncode == 2
    assert message in ended.stderr


def test_on_kafka_retention_deletes_and_the_spool_is_cleaned(tmp_path: Path) -> None:
    (tmp_path / "sidelight.yaml").write_text("log: kafka://127.0.0.1:1/sidelight\n")
    spool = open_log(LogSettings(url=str(tmp_path / "sidelight.spool")))
    fill(spool, "wanted")
    spool.close()
    ended = run("log", "delete", "wanted", cwd=tmp_path)
    assert ended.returncode == 2
    assert "retention" in ended.stderr
    assert SECRET not in files(tmp_path)


def test_an_emptied_exchange_leads_to_no_store() -> None:
    one = replace(exchange("x", b"a"), extensions={"requestdataref": "s3://b/c", "namespace": "n"})
    assert emptied(one).extensions == {"namespace": "n"}
    assert Forgotten(["x"]).ids == ["x"]
