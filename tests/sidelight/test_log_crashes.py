"""What a start finds after a killed process, a power cut, or files put back from a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sidelight.errors import LogError
from sidelight.log import Record
from sidelight.log.local import LocalLog, disk, sqlite
from sidelight.log.local.shelf import LEAP
from tests.sidelight.log_places import append, numbers, read_all, segments, settings


def mark(path: Path, change: str) -> None:
    db = sqlite.connect(path)
    db.execute(f"UPDATE mark SET {change}")  # noqa: S608 - a constant of the test
    db.close()


def test_a_clean_start_believes_the_newest_segment_without_reading_it(tmp_path: Path) -> None:
    log = LocalLog(settings(tmp_path, segment_bytes=1 << 20))
    append(log, 0, 100)
    log.close()
    data = bytearray(segments(tmp_path)[-1].read_bytes())
    data[60_000] ^= 1
    segments(tmp_path)[-1].write_bytes(data)
    log = LocalLog(settings(tmp_path, segment_bytes=1 << 20))
    assert append(log, 100, 101) == [100]
    assert log.damage == ()
    assert len(numbers(read_all(log))) == 100
    assert len(log.damage) == 2  # the flipped record, and what may have followed the last
    log.close()


def test_an_unclean_start_finds_the_damage_before_it_appends(tmp_path: Path) -> None:
    log = LocalLog(settings(tmp_path, segment_bytes=1 << 20))
    append(log, 0, 100)
    log.close()
    path = segments(tmp_path)[-1]
    mark(path, "clean = 0")
    data = bytearray(path.read_bytes())
    data[60_000] ^= 1
    path.write_bytes(data)
    log = LocalLog(settings(tmp_path, segment_bytes=1 << 20))
    assert append(log, 100, 101)[0] >= LEAP
    assert len(numbers(read_all(log))) == 100
    log.close()


def test_after_a_power_cut_no_offset_is_given_twice(tmp_path: Path) -> None:
    log = LocalLog(settings(tmp_path))
    append(log, 0, 10)
    log.close()
    mark(segments(tmp_path)[-1], "clean = 0, boot = 'another run of the machine'")
    log = LocalLog(settings(tmp_path))
    assert append(log, 10, 11) == [10 + LEAP]
    assert numbers(read_all(log)) == list(range(11))
    assert [(d.begin, d.end) for d in log.damage] == [(10, 10 + LEAP)]
    log.close()
    again = LocalLog(settings(tmp_path))
    assert append(again, 11, 12) == [11 + LEAP]
    again.close()


def test_with_durability_power_a_power_cut_changes_nothing(tmp_path: Path) -> None:
    log = LocalLog(settings(tmp_path, durability="power"))
    append(log, 0, 10)
    log.close()
    mark(segments(tmp_path)[-1], "clean = 0, boot = 'another run of the machine'")
    log = LocalLog(settings(tmp_path, durability="power"))
    assert append(log, 10, 11) == [10]
    assert log.damage == ()
    log.close()


@pytest.mark.parametrize("which", [-1, -2], ids=["newest", "sealed"])
def test_the_write_ahead_log_of_an_older_state_takes_nothing_away(
    tmp_path: Path, which: int
) -> None:
    place, copy = tmp_path / "log", tmp_path / "copy"
    log = LocalLog(settings(place, segment_bytes=256 << 10))
    append(log, 0, 20)
    shutil.copytree(place, copy)
    append(log, 20, 100 if which == -1 else 200)
    log.close()
    stale = disk.wal(segments(copy)[-1])
    assert stale.stat().st_size > 0
    shutil.copyfile(stale, place / stale.relative_to(copy))
    assert len(segments(place)) == -which
    log = LocalLog(settings(place, segment_bytes=256 << 10))
    count = 100 if which == -1 else 200
    added = append(log, count, count + 1)
    assert numbers(read_all(log)) == list(range(count + 1))
    assert added[0] >= count
    log.close()


def test_a_second_process_that_starts_beside_a_living_one_checks_nothing(tmp_path: Path) -> None:
    one, other = LocalLog(settings(tmp_path)), LocalLog(settings(tmp_path))
    append(one, 0, 5)
    mark(segments(tmp_path)[-1], "boot = 'another run of the machine'")
    assert append(other, 5, 6) == [5]
    assert other.damage == ()
    one.close()
    other.close()


def test_ten_gigabytes_of_segments_open_without_being_read(tmp_path: Path) -> None:
    """They are sparse files of zeros: to read one would be to find it damaged."""
    log = LocalLog(settings(tmp_path))
    append(log, 0, 200)
    log.close()
    for path in segments(tmp_path)[:-1]:
        with path.open("wb") as file:
            file.truncate(2 << 30)
    assert sum(path.stat().st_size for path in segments(tmp_path)) > 10 << 30
    log = LocalLog(settings(tmp_path, retain_bytes=1 << 40))
    assert append(log, 200, 201) == [200]
    assert log.read("inference", 0, 200)
    assert log.span("inference", 0).begin == 0
    assert log.damage == ()
    log.close()


def test_files_that_are_no_segments_are_left_alone(tmp_path: Path) -> None:
    log = LocalLog(settings(tmp_path))
    append(log, 0, 5)
    folder = segments(tmp_path)[0].parent
    (folder / "notes.txt").write_text("mine")
    (folder / "1.segment").write_text("too short a name")
    (folder / f"{77:020}.new").write_text("left by a crash while a segment was made")
    assert append(log, 5, 60)[0] == 5
    assert numbers(read_all(log)) == list(range(60))
    assert log.damage == ()
    log.close()


def test_a_log_that_is_closed_or_forked_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = LocalLog(settings(tmp_path))
    monkeypatch.setattr("os.getpid", lambda: -1)
    with pytest.raises(LogError, match="after a fork"):
        log.append("inference", [Record(b"")])
    monkeypatch.undo()
    log.close()
    log.close()
    with pytest.raises(LogError, match="closed"):
        log.read("inference", 0, 0)
