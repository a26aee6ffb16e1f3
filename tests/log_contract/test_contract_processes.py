"""What outlives a process, on every engine whose log does: nothing acknowledged is lost."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from dataclasses import dataclass, field

import pytest

from sidelight.errors import GroupBusy
from sidelight.log import Log, Position, Record
from tests.log_contract.engines import PARTITIONS, LogEngine
from tests.log_contract.processes import line, run
from tests.log_contract.test_contract_appending import everything


@dataclass
class Ledger:
    """What writers were told is kept, to be compared with what the log holds."""

    engine: LogEngine
    acknowledged: dict[str, int] = field(default_factory=dict)

    def begin(self, name: str, seed: int, *batches: str) -> subprocess.Popen[str]:
        settings = self.engine.settings().model_dump_json()
        writer = run("tests.log_contract.ledger_writer", settings, name, str(seed), *batches)
        self.acknowledged[name] = int(line(writer))
        return writer

    def note(self, name: str, writer: subprocess.Popen[str]) -> None:
        """After its end: what the writer said last (a torn last line was no acknowledgement)."""
        said, _ = writer.communicate()
        whole = said.rpartition("\n")[0].split()
        self.acknowledged[name] = int(whole[-1]) if whole else self.acknowledged[name]

    def check(self, log: Log) -> None:
        """Every acknowledged number is there, in order, none twice, none out of a torn batch."""
        kept: dict[str, list[int]] = {name: [] for name in self.acknowledged}
        for stored in everything(log, "inference"):
            name, number = stored.record.value.split()[:2]
            kept[name.decode()].append(int(number))
        for writer, numbers in kept.items():
            assert numbers == list(range(len(numbers)))
            assert len(numbers) >= self.acknowledged[writer] > 0


def kill_writers(engine: LogEngine, seed: int, kills: int) -> None:
    """Kill one writer after another while a third process goes on writing, then look."""
    rng = random.Random(seed)
    ledger = Ledger(engine)
    steady = ledger.begin("steady", seed)
    for turn in range(kills):
        writer = ledger.begin(f"killed-{turn}", seed + turn)
        time.sleep(rng.uniform(0, 0.15))
        writer.send_signal(signal.SIGKILL)
        ledger.note(f"killed-{turn}", writer)
    steady.send_signal(signal.SIGKILL)
    ledger.note("steady", steady)
    ledger.check(engine.open())


def test_kill_9_loses_nothing_acknowledged(lasting_engine: LogEngine) -> None:
    kill_writers(lasting_engine, seed=1, kills=6)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_many_kills_lose_nothing_acknowledged(lasting_engine: LogEngine, seed: int) -> None:
    kill_writers(lasting_engine, seed=1000 * seed, kills=60)


def test_two_processes_write_one_partition_and_both_end(lasting_engine: LogEngine) -> None:
    ledger = Ledger(lasting_engine)
    writers = {name: ledger.begin(name, 5, "80") for name in ("a", "b")}
    for name, writer in writers.items():
        ledger.note(name, writer)
        assert writer.returncode == 0
    ledger.check(lasting_engine.open())


def test_what_was_appended_is_there_after_reopening(lasting_engine: LogEngine) -> None:
    log = lasting_engine.open()
    addresses = log.append("inference", [Record(b"%d" % n) for n in range(9)], partition=2)
    log_id = log.log_id
    log.close()
    again = lasting_engine.open()
    assert [s.address for s in everything(again, "inference", 2)] == addresses
    assert again.append("inference", [Record(b"9")], partition=2)[0].offset == 9
    assert again.log_id == log_id
    assert again.partitions("inference") == PARTITIONS


def test_a_group_goes_on_where_it_was_after_reopening(lasting_engine: LogEngine) -> None:
    log = lasting_engine.open()
    member = log.join("drift", "inference")
    member.commit({0: Position(12, b"note"), 1: Position(3)})
    member.leave()
    log.close()
    member = lasting_engine.open().join("drift", "inference")
    assert member.committed(0) == Position(12, b"note")
    assert member.committed(1) == Position(3)


def test_kill_9_frees_the_group_and_keeps_what_was_committed(
    lasting_engine: LogEngine, exclusive_engine: LogEngine
) -> None:
    settings = lasting_engine.settings().model_dump_json()
    holder = run("tests.log_contract.group_holder", settings, "drift")
    committed = int(line(holder))
    log = lasting_engine.open()
    with pytest.raises(GroupBusy, match=str(holder.pid)):
        log.join("drift", "inference")
    time.sleep(0.1)
    holder.send_signal(signal.SIGKILL)
    said, _ = holder.communicate()
    for word in said.rpartition("\n")[0].split():
        committed = int(word)
    member = log.join("drift", "inference", wait_seconds=30)
    here, there = member.committed(0), member.committed(1)
    assert here is not None
    assert there is not None
    assert here.offset == there.offset >= committed
    assert here.note == there.note == b"%d " % here.offset * 20_000


def test_a_reader_is_woken_by_another_process(lasting_engine: LogEngine) -> None:
    ledger = Ledger(lasting_engine)
    log = lasting_engine.open()
    writer = ledger.begin("other", 3, "1")
    assert log.read("inference", 0, 0, wait_seconds=60)
    ledger.note("other", writer)
    ledger.check(log)
