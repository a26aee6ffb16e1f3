"""F5 and F6: the disk of the log is full, read-only, or holds something else than was written."""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.logger.commanding import Logger, running
from tests.logger.faults.accounts import (
    is_recording,
    proxy_balance,
    recorder_balance,
    wait_until_carried,
    wait_until_settled,
)
from tests.logger.faults.load import asking, wait_for_more
from tests.logger.faults.oracle import findings
from tests.logger.faults.seeds import KEPT, fresh
from tests.logger.faults.serving import Collecting, serving
from tests.logger.sinks import wait_until

SMALL_SEGMENTS = {"SIDELIGHT_LOG__SEGMENT_BYTES": "65536"}


@contextmanager
def full_files(logger: Logger) -> Iterator[None]:
    """No file of the recorder may grow: to it, the disk is full."""
    pid = logger.pid("recorder")
    unlimited = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, unlimited[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)


def refused(logger: Logger) -> float:
    return logger.metric("recorder_dropped_total")


def test_a_full_disk_costs_exchanges_that_are_counted_and_no_prediction(tmp_path: Path) -> None:
    with serving() as model, running(tmp_path, "--upstream", model) as logger:
        with asking(logger.address("traffic"), 2, 0.002) as askers:
            wait_until(lambda: is_recording(logger))
            with full_files(logger):
                wait_until(lambda: refused(logger) > 0, "a full disk")
                wait_for_more(askers, 100)
            told = logger.metric("exchanges_recorded_total")
            wait_until(lambda: logger.metric("exchanges_recorded_total") > told, "space again")
        wait_until_settled(logger)
        assert (proxy_balance(logger), recorder_balance(logger)) == (0, 0)
        dropped = refused(logger) + logger.metric("proxy_dropped_total")
        assert len(logger.pids("recorder")) == 1, "a full disk is no reason to end"
        assert logger.stop() == 0
    kept = findings(tmp_path / "log")
    assert not any(asker.failed or asker.broken for asker in askers)
    assert kept.sound
    assert len(kept.lost(askers)) <= dropped


@contextmanager
def small_disk(place: Path) -> Iterator[None]:
    """A file system of four megabytes; skipped where mounting is not permitted."""
    place.mkdir()
    line = ["mount", "-t", "tmpfs", "-o", "size=4m", "sidelight-test", str(place)]
    if subprocess.run(line, capture_output=True, check=False).returncode:
        pytest.skip("mounting a file system is not permitted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def remount(place: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", str(place)], check=True)


def test_a_disk_that_cannot_be_written_yet_fails_no_prediction(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    settings = {"SIDELIGHT_LOG__URL": str(disk / "log")}
    with small_disk(disk), serving() as model:
        remount(disk, "ro")
        with running(tmp_path, "--upstream", model, **settings) as logger:
            with asking(logger.address("traffic"), 2, 0.005) as askers:
                wait_until(lambda: len(logger.pids("recorder")) > 1, "a recorder that gave up")
                wait_for_more(askers, 100)
                remount(disk, "rw")
                wait_until(lambda: is_recording(logger), "a log")
            wait_until_settled(logger)
            assert proxy_balance(logger) == 0
            dropped = logger.metric("proxy_dropped_total")
            assert logger.stop() == 0
        kept = findings(disk / "log")
    assert not any(asker.failed or asker.broken for asker in askers)
    assert kept.sound
    assert len(kept.lost(askers)) <= dropped


def test_a_disk_smaller_than_the_log_may_grow_keeps_the_newest(tmp_path: Path) -> None:
    """Where `retain_bytes` is above what there is: old segments go only for that limit."""
    disk = tmp_path / "disk"
    settings = {
        **SMALL_SEGMENTS,
        "SIDELIGHT_LOG__URL": str(disk / "log"),
        "SIDELIGHT_LOG__RETAIN_BYTES": str(1 << 20),
    }
    with small_disk(disk), serving() as model:
        with running(tmp_path, "--upstream", model, **settings) as logger:
            with asking(logger.address("traffic"), 4) as askers:
                wait_for_more(askers, 3000)
            wait_until_settled(logger)
            assert refused(logger) == 0
            assert (proxy_balance(logger), recorder_balance(logger)) == (0, 0)
            assert logger.stop() == 0
        kept = findings(disk / "log")
    assert kept.sound
    newest = {asker.answered[-1] for asker in askers}
    assert newest <= set(kept.kept)
    assert not any(asker.failed or asker.broken for asker in askers)


def segments(folder: Path) -> list[Path]:
    return sorted((folder / "log" / "topics" / "inference" / "0").glob("*.segment"))


def torn_tail(folder: Path, chance: random.Random) -> None:
    newest = segments(folder)[-1]
    os.truncate(newest, max(1, newest.stat().st_size - chance.randrange(1, 9000)))


def flipped_bit(folder: Path, chance: random.Random) -> None:
    file = chance.choice(segments(folder))
    data = bytearray(file.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    file.write_bytes(data)


def missing_segment(folder: Path, chance: random.Random) -> None:
    file = chance.choice(segments(folder))
    for each in file.parent.glob(f"{file.name}*"):
        each.unlink()


def garbage_segment(folder: Path, chance: random.Random) -> None:
    chance.choice(segments(folder)).write_bytes(chance.randbytes(20_000))


def extra_files(folder: Path, chance: random.Random) -> None:
    place = segments(folder)[0].parent
    (place / "notes.txt").write_text("of somebody else")
    (place / f"{chance.randrange(10**19, 10**20):020d}.segment-journal").write_bytes(b"stale")


def torn_write_ahead_log(folder: Path, chance: random.Random) -> None:
    for file in segments(folder)[-1].parent.glob("*-wal"):
        if size := file.stat().st_size:
            os.truncate(file, chance.randrange(size))


DAMAGES: dict[str, Callable[[Path, random.Random], None]] = {
    "torn tail": torn_tail,
    "flipped bit": flipped_bit,
    "missing segment": missing_segment,
    "garbage segment": garbage_segment,
    "extra files": extra_files,
    "torn write-ahead log": torn_write_ahead_log,
}


def is_damaged(folder: Path, damages: list[str], seed: int) -> None:
    """A killed logger's log is damaged; what comes after is recorded and carried as ever."""
    print(f"seed {seed}")
    chance = random.Random(seed)
    sink = Collecting()
    with serving() as model, serving(sink) as events:
        flags = ("--upstream", model, "--log-url", events)
        with (
            running(folder, *flags, **SMALL_SEGMENTS) as logger,
            asking(logger.address("traffic"), 2) as before,
        ):
            wait_until(lambda: len(segments(folder)) > 3, "segments")
            wait_for_more(before, 100)
        held = findings(folder / "log")
        for damage in damages:
            DAMAGES[damage](folder, chance)
            print(damage)
        with running(folder, *flags, **SMALL_SEGMENTS) as logger:
            with asking(logger.address("traffic"), 2) as after:
                wait_for_more(after, 300)
            wait_until_settled(logger)
            assert (proxy_balance(logger), recorder_balance(logger)) == (0, 0)
            assert len(logger.pids("recorder")) == 1
            kept = findings(folder / "log")
            wait_until(lambda: set(kept.kept) <= {*sink.ids, *held.kept}, "the sink")
            wait_until_carried(logger)
            assert logger.stop() == 0
    new = [id_ for asker in after for id_ in asker.answered]
    assert set(new) <= set(kept.kept), "nothing of what came after is lost"
    assert set(new) <= set(sink.ids)
    assert not kept.altered, "what is damaged is left out, never told differently"
    assert kept.repeated == 0
    assert not any(asker.failed or asker.broken for asker in after)


@pytest.mark.parametrize("seed", KEPT)
def test_a_damaged_log_costs_no_more_than_what_is_damaged(tmp_path: Path, seed: int) -> None:
    is_damaged(tmp_path, list(DAMAGES), seed)


@pytest.mark.soak
@pytest.mark.parametrize("damage", DAMAGES)
def test_one_damage_alone(tmp_path: Path, damage: str) -> None:
    is_damaged(tmp_path, [damage], fresh())


@pytest.mark.soak
@pytest.mark.parametrize("round_", range(20))
def test_several_damages_at_once(tmp_path: Path, round_: int) -> None:
    seed = fresh() + round_
    is_damaged(tmp_path, random.Random(seed).choices(list(DAMAGES), k=3), seed)


def test_a_log_of_a_newer_version_is_left_alone_and_predictions_go_on(tmp_path: Path) -> None:
    facts = {"format": 99, "log_id": "f" * 16, "partitions": 1}
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "log.json").write_text(json.dumps(facts))
    with serving() as model, running(tmp_path, "--upstream", model) as logger:
        with asking(logger.address("traffic"), 1, 0.005) as askers:
            wait_until(lambda: len(logger.pids("recorder")) > 1, "a recorder that gave up")
            wait_for_more(askers, 100)
        assert logger.stop() in (0, 1)
    assert any("install a newer one" in line for line in logger.said)
    assert not any(asker.failed or asker.broken for asker in askers)
    assert json.loads((tmp_path / "log" / "log.json").read_text()) == facts
