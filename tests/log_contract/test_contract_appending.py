"""What every engine does with what is appended."""

from __future__ import annotations

import time
from threading import Thread
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidelight.log import Address, Log, Record, Stored
from tests.log_contract.engines import PARTITIONS, LogEngine


def everything(log: Log, topic: str, partition: int = 0) -> list[Stored]:
    """All records of a partition, read in small steps."""
    found: list[Stored] = []
    offset = log.span(topic, partition).begin
    while step := log.read(topic, partition, offset, max_records=70):
        found += step
        offset = step[-1].address.offset + 1
    return found


def numbers(count: int) -> list[Record]:
    return [Record(b"%d" % n) for n in range(count)]


def test_a_batch_for_one_partition_gets_consecutive_growing_offsets(log: Log) -> None:
    first = log.append("inference", numbers(5), partition=1)
    second = log.append("inference", numbers(3), partition=1)
    offsets = [address.offset for address in first + second]
    assert {(a.topic, a.partition) for a in first + second} == {("inference", 1)}
    assert offsets == list(range(offsets[0], offsets[0] + 8))


def test_an_empty_batch_appends_nothing(log: Log) -> None:
    assert log.append("inference", []) == []
    assert log.append("inference", [], partition=0) == []
    assert log.span("inference", 0).end == 0


def test_keys_choose_partitions_by_crc32_and_addresses_keep_the_order_of_the_batch(
    log: Log,
) -> None:
    records = [Record(b"v%d" % n, key=b"key-%d" % (n % 11)) for n in range(200)]
    addresses = log.append("inference", records)
    for record, address in zip(records, addresses, strict=True):
        assert address.partition == crc32(record.key) % PARTITIONS
        assert log.get(address).record == record


@pytest.mark.parametrize("partition", [-1, PARTITIONS])
def test_a_partition_that_does_not_exist_is_refused(log: Log, partition: int) -> None:
    with pytest.raises(ValueError, match="partition"):
        log.append("inference", numbers(1), partition=partition)
    with pytest.raises(ValueError, match="partition"):
        log.read("inference", partition, 0)
    with pytest.raises(ValueError, match="partition"):
        log.span("inference", partition)


_names = st.text(max_size=12)
_records = st.builds(
    Record,
    value=st.binary(max_size=300),
    key=st.binary(max_size=20),
    headers=st.lists(st.tuples(_names, st.binary(max_size=40)), max_size=4).map(tuple),
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(batch=st.lists(_records, min_size=1, max_size=20))
def test_what_is_read_is_what_was_appended(log: Log, batch: list[Record]) -> None:
    addresses = log.append("results", batch, partition=2)
    stored = log.read("results", 2, addresses[0].offset, max_records=len(batch))
    while len(stored) < len(batch):
        stored += log.read("results", 2, stored[-1].address.offset + 1)
    assert [s.record for s in stored] == batch
    assert [s.address for s in stored] == addresses


def test_a_record_may_be_megabytes(log: Log) -> None:
    value = bytes(range(256)) * (20 << 10)
    [address] = log.append("inference", [Record(value, key=b"large")], partition=0)
    log.append("inference", numbers(1), partition=0)
    assert log.get(address).record.value == value
    assert log.read("inference", 0, address.offset, max_bytes=1)[0].address == address


def test_the_clock_of_a_partition_never_goes_back(log: Log) -> None:
    before = time.time_ns()
    for _ in range(50):
        log.append("inference", numbers(3), partition=0)
    times = [stored.appended_ns for stored in everything(log, "inference")]
    assert times == sorted(times)
    assert before <= times[0]
    assert times[-1] <= time.time_ns()


def test_topics_and_partitions_are_apart(log: Log) -> None:
    log.append("inference", [Record(b"a")], partition=0)
    log.append("inference", [Record(b"b")], partition=1)
    log.append("panes", [Record(b"c")], partition=0)
    assert [s.record.value for s in everything(log, "inference", 0)] == [b"a"]
    assert [s.record.value for s in everything(log, "inference", 1)] == [b"b"]
    assert [s.record.value for s in everything(log, "panes", 0)] == [b"c"]


def test_batches_of_many_threads_stay_whole_and_in_their_threads_order(log: Log) -> None:
    def write(name: int) -> None:
        for turn in range(30):
            records = [Record(b"%d %d %d" % (name, turn, n)) for n in range(4)]
            log.append("inference", records, partition=0)

    threads = [Thread(target=write, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [tuple(map(int, s.record.value.split())) for s in everything(log, "inference")]
    assert len(found) == 6 * 30 * 4
    assert all([n for *_, n in found[i : i + 4]] == [0, 1, 2, 3] for i in range(0, 720, 4))
    assert all(len({f[:2] for f in found[i : i + 4]}) == 1 for i in range(0, 720, 4))
    for name in range(6):
        turns = [turn for writer, turn, n in found if writer == name and n == 0]
        assert turns == list(range(30))


def test_two_openings_write_one_partition_in_turn(log_engine: LogEngine) -> None:
    logs = [log_engine.open(), log_engine.open()]
    kept: list[Address] = []
    for turn in range(60):
        kept += logs[turn % 2].append(
            "inference", [Record(b"%d" % turn + b"x" * 3000)], partition=0
        )
    assert [a.offset for a in kept] == sorted({a.offset for a in kept})
    for log in logs:
        found = everything(log, "inference")
        assert [s.address for s in found] == kept
        assert [int(s.record.value.rstrip(b"x")) for s in found] == list(range(60))
