"""What every engine answers to who reads."""

from __future__ import annotations

import time
from threading import Thread, Timer

import pytest

from sidelight.errors import OffsetOutOfRange
from sidelight.log import Address, Log, Record


@pytest.fixture
def ten(log: Log) -> list[Address]:
    """Ten records of ten bytes in ``inference/0``, each of a batch of its own."""
    return [log.append("inference", [Record(b"%010d" % n)], partition=0)[0] for n in range(10)]


def values(log: Log, offset: int, **limits: int) -> list[int]:
    return [int(s.record.value) for s in log.read("inference", 0, offset, **limits)]


def test_reading_begins_at_the_offset_and_keeps_the_order(log: Log, ten: list[Address]) -> None:
    assert values(log, ten[0].offset) == list(range(10))
    assert values(log, ten[7].offset) == [7, 8, 9]


def test_limits_of_records_and_bytes_are_kept(log: Log, ten: list[Address]) -> None:
    assert values(log, ten[0].offset, max_records=3) == [0, 1, 2]
    assert values(log, ten[0].offset, max_bytes=35) == [0, 1, 2]


def test_one_record_is_returned_however_large(log: Log, ten: list[Address]) -> None:
    assert values(log, ten[4].offset, max_bytes=1) == [4]


def test_reading_at_the_end_is_empty(log: Log, ten: list[Address]) -> None:
    assert log.read("inference", 0, ten[-1].offset + 1) == []


def test_a_topic_nobody_has_written_is_empty(log: Log) -> None:
    assert log.read("alarms", 0, 0) == []
    assert log.span("alarms", 0).begin == log.span("alarms", 0).end
    assert log.offset_at("alarms", 0, time.time_ns()) == log.span("alarms", 0).end


@pytest.mark.parametrize("beyond", [1, 1000])
def test_reading_beyond_the_end_says_what_is_there(
    log: Log, ten: list[Address], beyond: int
) -> None:
    end = ten[-1].offset + 1
    with pytest.raises(OffsetOutOfRange, match=str(end + beyond)) as caught:
        log.read("inference", 0, end + beyond)
    assert (caught.value.begin, caught.value.end) == (ten[0].offset, end)


def test_a_negative_offset_is_out_of_range(log: Log) -> None:
    for _ in range(2):
        with pytest.raises(OffsetOutOfRange):
            log.read("inference", 0, -1)
        with pytest.raises(OffsetOutOfRange):
            log.get(Address("inference", 0, -1))
        log.append("inference", [Record(b"")], partition=0)


def test_an_address_names_one_record(log: Log, ten: list[Address]) -> None:
    assert [int(log.get(address).record.value) for address in ten] == list(range(10))
    assert log.get(Address.parse(str(ten[3]))).address == ten[3]


def test_an_address_that_is_not_there_yet_is_out_of_range(log: Log, ten: list[Address]) -> None:
    with pytest.raises(OffsetOutOfRange):
        log.get(Address("inference", 0, ten[-1].offset + 1))


def test_the_span_ends_after_the_last_record(log: Log, ten: list[Address]) -> None:
    span = log.span("inference", 0)
    assert (span.begin, span.end) == (ten[0].offset, ten[-1].offset + 1)


def test_offset_at_is_the_first_record_of_that_time_or_later(log: Log, ten: list[Address]) -> None:
    stored = [log.get(address) for address in ten]
    for record in stored:
        expected = min(
            other.address.offset for other in stored if other.appended_ns >= record.appended_ns
        )
        assert log.offset_at("inference", 0, record.appended_ns) == expected
    assert log.offset_at("inference", 0, 0) == ten[0].offset
    assert log.offset_at("inference", 0, stored[-1].appended_ns + 1) == ten[-1].offset + 1


def test_offset_at_finds_its_way_through_much_history(log: Log) -> None:
    for n in range(120):
        log.append("inference", [Record(b"%d" % n + b"." * 2000)], partition=0)
    for n in range(0, 120, 7):
        stored = log.get(Address("inference", 0, n))
        found = log.get(Address("inference", 0, log.offset_at("inference", 0, stored.appended_ns)))
        assert found.appended_ns == stored.appended_ns
        assert found.address <= stored.address


def test_waiting_ends_with_the_first_record(log: Log, ten: list[Address]) -> None:
    end = ten[-1].offset + 1
    later = Timer(0.1, lambda: log.append("inference", [Record(b"10")], partition=0))
    later.start()
    found = log.read("inference", 0, end, wait_seconds=60)
    later.join()
    assert [s.record.value for s in found] == [b"10"]


def test_waiting_in_vain_ends_with_nothing(log: Log, ten: list[Address]) -> None:
    assert log.read("inference", 0, ten[-1].offset + 1, wait_seconds=0.05) == []


def test_threads_read_one_log_at_once(log: Log) -> None:
    log.append("inference", [Record(b"%d" % n + b" " * 500) for n in range(400)], partition=0)
    seen: list[list[int]] = []

    def follow() -> None:
        found: list[int] = []
        while len(found) < 400:
            found += values(log, len(found), max_records=17)
        seen.append(found)

    threads = [Thread(target=follow) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [list(range(400))] * 5
