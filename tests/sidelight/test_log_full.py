"""No space left: nothing of the batch is kept, and the log works again when there is some."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest

from sidelight.errors import LogFull
from sidelight.log import Position, Record
from sidelight.log.local import LocalLog
from tests.sidelight.log_places import append, numbered, numbers, read_all, segments, settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of three megabytes; skipped where mounting is not permitted."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "sidelight-test", str(place)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("mounting a file system is not permitted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(log: LocalLog, begin: int, *, step: int = 5) -> int:
    """Append until the disk is full; answers the next number."""
    for number in range(begin, begin + 10_000, step):
        try:
            log.append("inference", numbered(number, number + step))
        except LogFull:
            return number
    pytest.fail("the disk never got full")


def use_up(place: Path) -> Path:
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 12))
    return ballast


def test_a_full_disk_keeps_nothing_of_the_batch_and_all_before_it(small_disk: Path) -> None:
    log = LocalLog(settings(small_disk / "log"))
    end = fill(log, 0)
    assert numbers(read_all(log)) == list(range(end))
    with pytest.raises(LogFull, match="retain_bytes"):
        log.append("inference", [Record(bytes(4 << 20))])
    assert numbers(read_all(log)) == list(range(end))
    log.close()
    again = LocalLog(settings(small_disk / "log"))
    assert numbers(read_all(again)) == list(range(end))
    assert again.damage == ()
    again.close()


@pytest.mark.parametrize("reopen", [False, True])
def test_the_log_works_again_when_space_returns(small_disk: Path, reopen: bool) -> None:
    log = LocalLog(settings(small_disk / "log"))
    append(log, 0, 100)
    ballast = use_up(small_disk)
    end = fill(log, 100)
    for _ in range(20):
        with pytest.raises(LogFull):
            log.append("inference", [Record(bytes(1 << 20))])
    if reopen:
        log.close()
        log = LocalLog(settings(small_disk / "log"))
    ballast.unlink()
    assert append(log, end, end + 30) == list(range(end, end + 30))
    assert numbers(read_all(log)) == list(range(end + 30))
    assert log.damage == ()
    log.close()


def test_a_full_disk_retires_what_is_too_old_before_it_refuses(small_disk: Path) -> None:
    keeps_all = LocalLog(settings(small_disk / "log"))
    end = fill(keeps_all, 0)
    keeps_all.close()
    log = LocalLog(settings(small_disk / "log", retain_bytes=1 << 20))
    assert append(log, end, end + 20) == list(range(end, end + 20))
    span = log.span("inference", 0)
    assert span.begin > 0
    assert numbers(read_all(log)) == list(range(span.begin, end + 20))
    log.close()


def test_a_full_disk_keeps_the_position_and_the_note_it_had(small_disk: Path) -> None:
    log = LocalLog(settings(small_disk / "log"))
    append(log, 0, 10)
    member = log.join("drift", "inference")
    member.commit({0: Position(4, b"note")})
    ballast = use_up(small_disk)
    with pytest.raises(LogFull):
        member.commit({0: Position(9, os.urandom(1 << 20)), 1: Position(1)})
    assert member.committed(0) == Position(4, b"note")
    assert member.committed(1) is None
    ballast.unlink()
    member.commit({0: Position(9, b"later")})
    assert member.committed(0) == Position(9, b"later")
    log.close()


def test_a_disk_that_is_full_from_the_start_says_so(small_disk: Path) -> None:
    ballast = use_up(small_disk)
    with pytest.raises(LogFull):
        LocalLog(settings(small_disk / "log")).append("inference", numbered(0, 1))
    ballast.unlink()
    log = LocalLog(settings(small_disk / "log"))
    assert append(log, 0, 10) == list(range(10))
    log.close()


def test_a_limit_on_the_size_of_files_is_a_full_disk(tmp_path: Path) -> None:
    program = (
        "import resource, sys\n"
        "from sidelight.errors import LogFull\n"
        "from sidelight.log import Record, open_log\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))\n"
        "log = open_log(sys.argv[1])\n"
        "for number in range(10_000):\n"
        "    try:\n"
        "        log.append('inference', [Record(b'%d ' % number + bytes(1000))])\n"
        "    except LogFull:\n"
        "        print(number)\n"
        "        break\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    log = LocalLog(settings(tmp_path))
    assert numbers(read_all(log)) == list(range(int(run.stdout)))
    assert append(log, int(run.stdout), int(run.stdout) + 1) == [int(run.stdout)]
    assert segments(tmp_path)
    log.close()


def test_a_batch_that_does_not_fit_takes_none_of_its_neighbours_down(small_disk: Path) -> None:
    log = LocalLog(settings(small_disk / "log"))
    kept: list[int] = []
    refused: list[LogFull] = []

    def small() -> None:
        for turn in range(20):
            kept.extend(append(log, turn, turn + 1))

    def large() -> None:
        for _ in range(20):
            try:
                log.append("inference", [Record(bytes(4 << 20))])
            except LogFull as exc:
                refused.append(exc)

    threads = [Thread(target=work) for work in (small, large) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 80
    assert sorted(kept) == list(range(80))
    assert len(read_all(log)) == 80
    log.close()
