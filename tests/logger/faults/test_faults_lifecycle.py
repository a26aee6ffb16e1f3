"""F14, and what a start costs: SIGTERM under load, other settings, a log of gigabytes."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from sidelight.config.settings import LogSettings
from sidelight.events.exchanges import to_record
from sidelight.log import open_log, topics
from tests.logger.commanding import Logger, running
from tests.logger.faults.accounts import has_caught_up, is_recording
from tests.logger.faults.load import asking, total, wait_for_more
from tests.logger.faults.memory import peak_mib, read_bytes
from tests.logger.faults.oracle import exchanges_in, findings
from tests.logger.faults.seeds import KEPT, fresh
from tests.logger.faults.serving import Collecting, serving
from tests.logger.shipping import numbered
from tests.logger.sinks import wait_until
from tests.ports import free_port

LIVES: tuple[dict[str, str], ...] = ({}, {"SIDELIGHT_LOGGER__HEADERS": '["ce-id"]'})
"""Settings of one life after the other: each is read at the start."""
START_MIB = 200


def restarts(folder: Path, seed: int, rounds: int, apart: int) -> None:
    """SIGTERM at any moment, each life with other settings; clients ask without a break."""
    print(f"seed {seed}")
    chance = random.Random(seed)
    sink, port = Collecting(), free_port()
    with serving() as model, serving(sink) as events:
        flags = ["--upstream", model, "--log-url", events, "--listen", f"127.0.0.1:{port}"]
        flags += ["--grace-seconds", "20"]
        with asking(f"127.0.0.1:{port}", 4, 0.005) as askers:
            for life in range(rounds):
                with running(folder, *flags, **LIVES[life % len(LIVES)]) as logger:
                    wait_until(lambda one=logger: has_caught_up(one))  # type: ignore[misc]
                    wait_for_more(askers, chance.randrange(1, apart))
                    assert logger.stop() == 0, "within the grace period"
    kept = findings(folder / "log")
    print(f"{total(askers)} answered in {rounds} lives")
    assert not any(asker.failed for asker in askers)
    assert kept.sound
    assert not kept.lost(askers), "SIGTERM loses nothing"
    assert set(sink.ids) == set(kept.kept)
    assert any("ce-id" in one.headers for one in exchanges_in(folder / "log"))


@pytest.mark.parametrize("seed", KEPT)
def test_sigterm_under_load_loses_nothing_and_new_settings_hold(tmp_path: Path, seed: int) -> None:
    restarts(tmp_path, seed, rounds=2, apart=200)


@pytest.mark.soak
def test_thirty_restarts_under_load(tmp_path: Path) -> None:
    restarts(tmp_path, fresh(), rounds=30, apart=2000)


def filled(folder: Path, gigabytes: float) -> int:
    """A log of large exchanges that a killed logger left behind; its size on the disk."""
    settings = LogSettings(url=str(folder / "log"), segment_bytes=64 << 20, retain_bytes=1 << 40)
    log = open_log(settings)
    body = os.urandom(1 << 20)
    for number in range(1, int(gigabytes * 1024) + 1):
        log.append(topics.INFERENCE, [to_record(numbered(number, body))])
    log.close()
    return sum(file.stat().st_size for file in (folder / "log").rglob("*") if file.is_file())


def start_reads_little(folder: Path, gigabytes: float) -> None:
    """Neither held in memory nor read through: the proof that needs no clock."""
    size = filled(folder, gigabytes)
    settings = {"SIDELIGHT_LOG__SEGMENT_BYTES": str(64 << 20)}
    try:
        with serving() as model, running(folder, "--upstream", model, **settings) as logger:
            with asking(logger.address("traffic"), 1) as askers:
                wait_until(lambda: is_recording(logger), "the recorder")
                wait_for_more(askers, 100)
            told(logger, size)
            assert peak_mib(logger.pid("recorder")) < START_MIB
            assert read_bytes(logger.pid("recorder")) < size / 2
            assert logger.stop() == 0
    finally:
        shutil.rmtree(folder / "log")


def told(logger: Logger, size: int) -> None:
    pid = logger.pid("recorder")
    print(f"log {size >> 20} MiB: recorder {peak_mib(pid):.0f} MiB, read {read_bytes(pid) >> 20}")


def test_a_start_neither_holds_nor_reads_the_log(tmp_path: Path) -> None:
    start_reads_little(tmp_path, 0.2)


@pytest.mark.soak
def test_a_start_with_five_gigabytes(tmp_path: Path) -> None:
    start_reads_little(tmp_path, 5)
