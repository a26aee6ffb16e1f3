"""The folder of a log: made once, opened again, refused where it is not ours."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Thread

import pytest

from sidelight.config.settings import LogSettings
from sidelight.errors import ConfigError, GroupBusy, LogError
from sidelight.log import Log, Position, Record, open_log
from sidelight.log.local import LocalLog
from sidelight.log.local.sqlite import refuse_unsafe
from tests.sidelight.log_places import append, settings


def test_a_first_open_makes_a_folder_for_its_owner_only(tmp_path: Path) -> None:
    log = open_log(tmp_path / "a" / "log")
    assert (tmp_path / "a" / "log").stat().st_mode & 0o777 == 0o700
    assert len(log.log_id) == 16
    log.close()


def test_each_log_has_an_id_of_its_own(tmp_path: Path) -> None:
    assert open_log(str(tmp_path / "a")).log_id != open_log(str(tmp_path / "b")).log_id


def test_the_number_of_partitions_is_that_of_the_first_open(tmp_path: Path) -> None:
    first = open_log(LogSettings(url=str(tmp_path), partitions=4))
    first.append("inference", [Record(b"x")], partition=3)
    second = open_log(LogSettings(url=str(tmp_path), partitions=1))
    assert second.partitions("inference") == 4
    assert second.read("inference", 3, 0)
    first.close()
    second.close()


def test_many_first_opens_at_once_make_one_log(tmp_path: Path) -> None:
    logs: list[Log] = []
    threads = [
        Thread(
            target=lambda n=n: logs.append(
                open_log(LogSettings(url=str(tmp_path / "log"), partitions=n))
            )
        )
        for n in range(1, 9)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({(log.log_id, log.partitions("inference")) for log in logs}) == 1
    assert sorted(path.name for path in (tmp_path / "log").iterdir()) == ["log.json"]


@pytest.mark.parametrize("url", ["file:///var/log", "s3://bucket/log"])
def test_another_engine_is_refused_with_the_way_out(url: str) -> None:
    with pytest.raises(ConfigError, match=r"no log of the kind.*name a folder.*kafka://HOST:PORT"):
        open_log(url)


def test_a_file_is_no_log(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a file")
    with pytest.raises(ConfigError, match="is a file"):
        open_log(tmp_path / "log")


@pytest.mark.parametrize(("step", "way"), [(1, "a newer"), (-1, "the older")])
def test_a_log_of_another_format_is_refused(tmp_path: Path, step: int, way: str) -> None:
    open_log(tmp_path).close()
    facts = json.loads((tmp_path / "log.json").read_text())
    other = facts["format"] + step
    (tmp_path / "log.json").write_text(json.dumps({**facts, "format": other}))
    with pytest.raises(LogError, match=rf"log format {other}.*install {way} one"):
        open_log(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "x"}', "\x00\x00"])
def test_an_unreadable_log_json_is_refused(tmp_path: Path, text: str) -> None:
    open_log(tmp_path).close()
    (tmp_path / "log.json").write_text(text)
    with pytest.raises(LogError, match="restore it"):
        open_log(tmp_path)


def test_a_log_that_lost_its_log_json_is_not_begun_anew(tmp_path: Path) -> None:
    log = LocalLog(settings(tmp_path))
    append(log, 0, 1)
    log.close()
    (tmp_path / "log.json").unlink()
    with pytest.raises(LogError, match="missing"):
        open_log(tmp_path)


@pytest.mark.parametrize("topic", ["", "..", "a/b", ".hidden", "x" * 250, "a\x00b"])
def test_a_topic_must_be_a_plain_name(tmp_path: Path, topic: str) -> None:
    log = open_log(tmp_path)
    with pytest.raises(ValueError, match="topic"):
        log.append(topic, [Record(b"")])
    log.close()


def test_a_damaged_file_of_positions_is_an_error_with_the_way_out(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    log.join("drift", "inference").commit({0: Position(1)})
    log.close()
    (tmp_path / "groups" / "positions.db").write_bytes(b"garbage" * 1000)
    with pytest.raises(LogError, match="move it away"):
        open_log(tmp_path).join("outliers", "inference")


def test_a_lock_that_names_nobody_is_still_a_lock(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    member = log.join("drift", "inference")
    (tmp_path / "groups" / "drift.lock").write_text("")
    with pytest.raises(GroupBusy, match="unknown"):
        log.join("drift", "inference")
    member.leave()
    log.close()


@pytest.mark.parametrize("version", ["3.40.1", "3.51.2", "3.44.5", "3.50.6", "3.7.0"])
def test_a_sqlite_that_can_corrupt_the_log_is_refused(version: str) -> None:
    with pytest.raises(ConfigError, match=version):
        refuse_unsafe(version)


@pytest.mark.parametrize("version", ["3.51.3", "3.54.1", "3.44.6", "3.50.7", "4.0.0"])
def test_a_sqlite_with_the_fix_is_used(version: str) -> None:
    refuse_unsafe(version)
