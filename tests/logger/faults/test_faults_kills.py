"""F1: kill -9 of any part at any moment, while numbered requests come without a break."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.logger.commanding import Logger, running
from tests.logger.faults.accounts import (
    has_caught_up,
    proxy_balance,
    sink_account,
    wait_until_carried,
    wait_until_settled,
)
from tests.logger.faults.load import Asker, asking, longest, total, wait_for_more
from tests.logger.faults.oracle import findings, records_in
from tests.logger.faults.seeds import KEPT, fresh
from tests.logger.faults.serving import Collecting, serving
from tests.logger.sinks import wait_until
from tests.ports import free_port

PARTS = ("proxy", "recorder", "shipper kserve")
CLIENTS = 4


def kill_parts(
    logger: Logger, askers: Sequence[Asker], chance: random.Random, kills: int, apart: int
) -> None:
    """Each kill comes after a random number of further answers."""
    for _ in range(kills):
        wait_for_more(askers, chance.randrange(1, apart))
        logger.kill(chance.choice(PARTS))


def parts_are_killed(folder: Path, seed: int, kills: int, apart: int) -> None:
    print(f"seed {seed}")
    sink = Collecting()
    with serving() as model, serving(sink) as events:
        flags = ("--upstream", model, "--log-url", events)
        with running(folder, *flags) as logger:
            with asking(logger.address("traffic"), CLIENTS, 0.002) as askers:
                kill_parts(logger, askers, random.Random(seed), kills, apart)
                wait_for_more(askers, 50)
            wait_until_settled(logger)
            assert proxy_balance(logger) == 0
            settled = logger.metric("proxy_settled_total")
            dropped = logger.metric("proxy_dropped_total")
            kept = findings(folder / "log")
            wait_until_carried(logger)
            assert sum(sink_account(logger)) == len(kept.kept)
            assert logger.stop() == 0
    assert not any(asker.failed for asker in askers), "no prediction fails because of the logger"
    assert kept.sound, (kept.altered, kept.disordered, kept.repeated)
    lost = kept.lost(askers)
    print(f"{total(askers)} answered, {len(lost)} lost, {dropped:g} counted as dropped")
    print(f"the longest wait for an answer took {longest(askers):.1f} s")
    assert len(lost) <= dropped, "what is missing is counted"
    assert settled <= len(kept.kept), "what was acknowledged is there"
    assert set(sink.ids) == set(kept.kept), "and all of it has reached the sink"


@pytest.mark.parametrize("seed", KEPT)
def test_kills_of_parts_lose_nothing_acknowledged_and_the_rest_is_counted(
    tmp_path: Path, seed: int
) -> None:
    parts_are_killed(tmp_path, seed, kills=4, apart=100)


@pytest.mark.soak
def test_fifty_kills_within_a_hundred_thousand_requests(tmp_path: Path) -> None:
    parts_are_killed(tmp_path, fresh(), kills=60, apart=4000)


def all_is_killed(folder: Path, seed: int, kills: int, apart: int) -> None:
    """As a pod's memory limit does: the whole logger at once, and all of it is started again."""
    print(f"seed {seed}")
    chance = random.Random(seed)
    port = free_port()
    promised = 0
    with serving() as model, asking(f"127.0.0.1:{port}", CLIENTS, 0.002) as askers:
        for _ in range(kills):
            with running(folder, "--upstream", model, "--listen", f"127.0.0.1:{port}") as logger:
                # What came before its recorder stood is at first in the proxy's memory.
                wait_until(lambda: has_caught_up(logger), "what came before the recorder")
                wait_for_more(askers, chance.randrange(1, apart))
                acknowledged = int(logger.metric("proxy_settled_total"))
            held = records_in(folder / "log")
            assert promised + acknowledged <= held, "what was acknowledged is there"
            promised = held
    kept = findings(folder / "log")
    assert not any(asker.failed for asker in askers)
    assert kept.sound, (kept.altered, kept.disordered, kept.repeated)
    print(f"{total(askers)} answered, {len(kept.lost(askers))} lost in {kills} kills of everything")


@pytest.mark.parametrize("seed", KEPT)
def test_kills_of_the_whole_logger_lose_nothing_acknowledged(tmp_path: Path, seed: int) -> None:
    all_is_killed(tmp_path, seed, kills=2, apart=100)


@pytest.mark.soak
def test_fifty_kills_of_the_whole_logger(tmp_path: Path) -> None:
    all_is_killed(tmp_path, fresh(), kills=50, apart=2000)
