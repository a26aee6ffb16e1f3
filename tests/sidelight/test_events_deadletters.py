"""Dead letters keep the cause, the origin and the bad thing itself, within limits."""

from __future__ import annotations

import pytest

from sidelight.errors import MalformedPayload
from sidelight.events import CloudEvent
from sidelight.events.deadletters import (
    MAX_HEADERS_BYTES,
    MAX_VALUE_BYTES,
    DeadLetter,
    dead_letter,
    from_event,
    to_event,
)
from sidelight.events.records import from_record, to_record
from sidelight.log.contract import Record


def letter_for(record: Record) -> DeadLetter:
    cause = MalformedPayload("not JSON", where="data")
    return dead_letter(cause, record, reporter="shipper", origin="inference/0/7", time_ns=5)


def test_a_letter_survives_the_log() -> None:
    letter = letter_for(Record(b"\xff{", b"k", (("ce_id", b"\xfe"),)))
    assert letter.error == "MalformedPayload"
    assert letter.message == "data: not JSON"
    assert from_event(from_record(to_record(to_event(letter)))) == letter


def test_a_huge_thing_is_cut_and_its_size_told() -> None:
    letter = letter_for(Record(b"x" * (MAX_VALUE_BYTES + 1), b"", (("a", b"y" * 2**20),)))
    assert (len(letter.value), letter.size) == (MAX_VALUE_BYTES, MAX_VALUE_BYTES + 1)
    assert sum(len(name) + len(value) for name, value in letter.headers) <= MAX_HEADERS_BYTES


def test_the_same_failure_told_twice_has_one_id() -> None:
    first, second = (to_event(letter_for(Record(b"x"))) for _ in range(2))
    assert first.id == second.id == "shipper:inference/0/7"


@pytest.mark.parametrize(
    "event",
    [
        CloudEvent("1", "/a", "other"),
        CloudEvent("1", "/a", "io.sidelight.deadletter.v1"),
        CloudEvent("1", "/a", "io.sidelight.deadletter.v1", data=b'{"message":1,"headers":[1]}'),
    ],
)
def test_what_is_no_letter_is_refused(event: CloudEvent) -> None:
    with pytest.raises(MalformedPayload):
        from_event(event)
