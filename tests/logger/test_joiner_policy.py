"""Policy holds for what the joiner imports: no raw value is in any topic of ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson

from sidelight.config import Settings
from sidelight.events import Exchange
from sidelight.events.exchanges import to_record
from sidelight.events.kserve import to_events
from sidelight.events.records import to_record as event_record
from sidelight.events.seldon_feedback import truths_of
from sidelight.log import Record
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import ALL
from sidelight_logger.policy.configured import policy_of
from tests.detectors.traffic import exchange, rows
from tests.logger.joining import (
    carry,
    exchanges_in,
    join,
    kserve,
    letters_in,
    spread,
    stored_in,
)
from tests.sidelight.test_events_halves import seldon

SECRET = "987654321"
DROPS = {"redact": {"columns": {"ssn": "drop"}}}


def imported(records: list[Record], told: Mapping[str, Any], partitions: int = 1) -> MemoryLog:
    foreign, ours = MemoryLog(), MemoryLog(partitions)
    spread(foreign, records, [0])
    carry(foreign, ours, policy=policy_of(Settings.model_validate({"logger": told})))
    join(ours)
    return ours


def texts_of(log: MemoryLog) -> Iterator[bytes]:
    for topic in ALL:
        for stored in stored_in(log, topic):
            yield stored.record.value
            yield from (text for _, text in stored.record.headers)


def v2(side: str, number: int) -> Record:
    tensors = [
        {"name": name, "datatype": "INT64", "shape": [1], "data": [int(value)]}
        for name, value in (("ssn", SECRET), ("age", number))
    ]
    document: dict[str, Any] = {"inputs": tensors}
    if side == "response":
        document = {"model_name": "income", "model_version": "3", "outputs": tensors[1:]}
    return kserve(side, number, orjson.dumps(document))


def names(one: Exchange) -> list[str]:
    return [tensor["name"] for tensor in orjson.loads(one.request.content)["inputs"]]


def test_a_dropped_column_of_a_foreign_half_is_nowhere() -> None:
    log = imported([v2("response", 1), v2("request", 1)], DROPS)
    [one] = exchanges_in(log)
    assert (names(one), one.protocol, one.version) == (["age"], "v2", "3")
    assert not any(SECRET.encode() in text for text in texts_of(log))


def test_what_cannot_be_read_leaves_a_letter_without_its_value() -> None:
    log = imported([Record(b"hello " + SECRET.encode()), *[v2("request", 1)]], DROPS)
    assert len(letters_in(log)) == 1
    assert not any(SECRET.encode() in text for text in texts_of(log))


def test_a_pattern_looks_into_who_a_foreign_logger_says_it_is() -> None:
    sent = [
        replace(one, headers=tuple((n, v + told * (n == "ce_source")) for n, v in one.headers))
        for one in (v2("request", 1), v2("response", 1))
        for told in [f"customers/{SECRET}".encode()]
    ]
    log = imported(sent, {"redact": {"patterns": ["[0-9]{9}"]}})
    assert [one.source for one in exchanges_in(log)] == ["http://localhost:9081/customers/***"]
    assert not any(SECRET.encode() in text for text in texts_of(log))


def test_neither_the_key_nor_the_cause_of_a_letter_shows_a_value() -> None:
    headers = tuple(
        (f"ce_{name}", value.encode())
        for name, value in {"specversion": "1.0", "id": "1", "source": "/x", "type": SECRET}.items()
    )
    log = imported([Record(b"{}", SECRET.encode(), headers)], DROPS)
    assert len(letters_in(log)) == 1
    assert not any(SECRET.encode() in text for text in texts_of(log))


def test_a_body_whose_protocol_nobody_knows_is_withheld() -> None:
    log = imported([kserve("request", 1, SECRET.encode()), v2("response", 1)], DROPS)
    [one] = exchanges_in(log)
    assert (one.request.content, one.request.size, one.outcome) == (b"", len(SECRET), "answered")
    assert not any(SECRET.encode() in text for text in texts_of(log))


def test_patterns_mask_ids_of_both_halves_alike() -> None:
    sent = [
        kserve(side, 1, b'{"instances":[]}', id=f"of-{SECRET}") for side in ("request", "response")
    ]
    log = imported(sent, {"redact": {"patterns": ["[0-9]{9}"]}})
    [one] = exchanges_in(log)
    assert one.outcome == "answered"
    assert not any(SECRET.encode() in text for text in texts_of(log))


def test_a_level_below_the_bodies_keeps_sizes_and_pairs() -> None:
    sent = exchange(rows(2, 1), 1)
    log = imported([event_record(half) for half in to_events(sent, 0)], {"capture": "metadata"})
    [one] = exchanges_in(log)
    assert (one.request.content, one.request.size) == (b"", sent.request.size)
    assert (one.response.size, one.status, one.path) == (sent.response.size, 200, sent.path)
    assert not one.request.truncated


def test_of_seldons_feedback_only_what_came_true_stays() -> None:
    told = {
        "request": {"data": {"ndarray": [[int(SECRET)]]}},
        "response": {"meta": {"puid": "p1"}, "data": {"ndarray": [[SECRET]]}},
        "truth": {"data": {"ndarray": [1]}},
    }
    log = imported([seldon("feedback", "f", orjson.dumps(told))], DROPS)
    [stored] = stored_in(log, "inference")
    assert truths_of(orjson.loads(stored.record.value), "") == ("p1", [1])
    assert not any(SECRET.encode() in text for text in texts_of(log))


def test_exchanges_of_another_sidelight_are_under_the_same_rules() -> None:
    sent = exchange(rows(2, 1), 1)
    [one] = exchanges_in(imported([to_record(sent)], {"capture": "metadata"}))
    assert (one.id, one.request.content, one.request.size) == (sent.id, b"", sent.request.size)


def test_a_body_above_the_limit_is_cut_and_marked() -> None:
    [one] = exchanges_in(imported([v2("request", 1), v2("response", 1)], {"max_body": 50}))
    assert (len(one.request.content), one.request.truncated) == (50, True)
    assert one.request.size > 100
    assert len(one.request.sha256) == 64


def test_without_rules_a_foreign_record_is_carried_as_it_is() -> None:
    sent = kserve("request", 1, b"{}", traceparent="00-1-2-01", anything="else")
    log = imported([sent], {})
    [stored] = stored_in(log, "halves")
    assert stored.record.value == sent.value
    assert stored.record.headers[: len(sent.headers)] == sent.headers
