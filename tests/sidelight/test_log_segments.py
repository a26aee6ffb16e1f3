"""Segments: rolling, retention, and several writers at a roll."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Thread

import pytest

from sidelight.errors import OffsetOutOfRange
from sidelight.log import Address
from sidelight.log.local import LocalLog
from tests.sidelight.log_places import (
    SEGMENT_BYTES,
    append,
    numbered,
    numbers,
    read_all,
    segments,
    settings,
)


def test_a_segment_ends_at_its_size_and_is_named_by_its_first_offset(tmp_path: Path) -> None:
    log = LocalLog(settings(tmp_path))
    append(log, 0, 300)
    bases = [int(path.stem) for path in segments(tmp_path)]
    assert len(bases) > 5
    assert bases[0] == 0
    log.close()
    assert all(path.stat().st_size < 2 * SEGMENT_BYTES for path in segments(tmp_path))
    log = LocalLog(settings(tmp_path))
    assert all(log.read("inference", 0, base)[0].address.offset == base for base in bases[:-1])
    assert numbers(read_all(log)) == list(range(300))
    assert log.damage == ()
    log.close()


def test_a_batch_is_never_cut_by_a_roll(tmp_path: Path) -> None:
    log = LocalLog(settings(tmp_path))
    for turn in range(4):
        log.append("inference", numbered(turn * 100, turn * 100 + 100))
    assert [int(path.stem) for path in segments(tmp_path)] == [0, 100, 200, 300]
    log.close()


def test_topics_lie_in_folders_of_their_own(tmp_path: Path) -> None:
    log = LocalLog(settings(tmp_path, partitions=2))
    log.append("inference", numbered(0, 1), partition=0)
    log.append("panes", numbered(0, 1), partition=1)
    folders = {path.parent.relative_to(tmp_path / "topics") for path in tmp_path.rglob("*.segment")}
    assert folders == {Path("inference/0"), Path("panes/1")}
    log.close()


def test_many_openings_and_threads_roll_at_once_and_lose_nothing(tmp_path: Path) -> None:
    logs = [LocalLog(settings(tmp_path)) for _ in range(4)]
    kept: list[int] = []

    def write(log: LocalLog) -> None:
        kept.extend(append(log, 0, 120, step=3))

    threads = [Thread(target=write, args=(log,)) for log in logs for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(kept) == list(range(8 * 120))
    assert [s.address.offset for s in read_all(logs[0])] == sorted(kept)
    assert all(log.damage == () for log in logs)
    for log in logs:
        log.close()


def test_the_oldest_segments_are_dropped_whole_above_the_size_to_keep(tmp_path: Path) -> None:
    log = LocalLog(settings(tmp_path, retain_bytes=1 << 20))
    append(log, 0, 1500)
    held = sum(path.stat().st_size for path in segments(tmp_path))
    span = log.span("inference", 0)
    assert 512 << 10 < held < (1 << 20) + 4 * SEGMENT_BYTES
    assert 0 < span.begin == int(segments(tmp_path)[0].stem)
    assert numbers(read_all(log)) == list(range(span.begin, 1500))
    with pytest.raises(OffsetOutOfRange) as caught:
        log.get(Address("inference", 0, 0))
    assert (caught.value.begin, caught.value.end) == (span.begin, span.end)
    with pytest.raises(OffsetOutOfRange):
        log.read("inference", 0, span.begin - 1)
    assert log.damage == ()
    log.close()


def test_the_size_to_keep_is_the_topics_over_all_partitions_oldest_first(tmp_path: Path) -> None:
    log = LocalLog(settings(tmp_path, partitions=2, retain_bytes=1 << 20))
    for first in range(0, 300, 5):
        log.append("inference", numbered(first, first + 5), partition=0)
    for first in range(0, 600, 5):
        log.append("inference", numbered(first, first + 5), partition=1)
    assert log.span("inference", 0).begin > 200
    assert log.span("inference", 0).end == 300
    assert log.read("inference", 0, log.span("inference", 0).begin)
    log.close()


def test_segments_grow_too_old_but_never_the_newest(tmp_path: Path) -> None:
    log = LocalLog(settings(tmp_path, retain_seconds=0.2))
    append(log, 0, 100)
    before = log.span("inference", 0)
    time.sleep(0.3)
    assert append(log, 100, 102, step=1) == [100, 101]
    after = log.span("inference", 0)
    assert before.begin < after.begin == 100
    assert numbers(read_all(log)) == [100, 101]
    log.close()


def test_a_reader_that_holds_a_dropped_segment_is_told_and_goes_on(tmp_path: Path) -> None:
    writer = LocalLog(settings(tmp_path, retain_bytes=1 << 20))
    reader = LocalLog(settings(tmp_path))
    append(writer, 0, 60)
    assert reader.read("inference", 0, 3, max_records=2)
    append(writer, 60, 1500)
    with pytest.raises(OffsetOutOfRange) as caught:
        reader.read("inference", 0, 5)
    assert numbers(read_all(reader, caught.value.begin))[-1] == 1499
    assert reader.damage == ()
    writer.close()
    reader.close()


def test_readers_leave_no_trace(tmp_path: Path) -> None:
    log = LocalLog(settings(tmp_path))
    append(log, 0, 100)
    log.close()
    before = {path: path.stat().st_mtime_ns for path in segments(tmp_path)}
    reader = LocalLog(settings(tmp_path))
    assert numbers(read_all(reader)) == list(range(100))
    reader.close()
    assert {path: path.stat().st_mtime_ns for path in segments(tmp_path)} == before
