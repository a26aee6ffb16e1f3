"""Exchanges in the log: every field and byte comes back, and what is broken is named."""

from __future__ import annotations

import dataclasses

import pytest
from cloudevents.core.bindings import kafka as sdk
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent as SdkEvent
from hypothesis import given
from hypothesis import strategies as st

from sidelight.errors import MalformedPayload
from sidelight.events import CloudEvent, Exchange, http, records
from sidelight.events.exchange import EXCHANGE_TYPE
from sidelight.events.exchanges import from_event, from_record, to_event, to_record
from sidelight.log.contract import Record
from tests.sidelight.event_strategies import EXCHANGE, exchanges, sdk_data


@given(exchanges)
def test_an_exchange_survives_the_log(exchange: Exchange) -> None:
    record = to_record(exchange)
    assert record.key == exchange.id.encode()
    assert from_record(record) == exchange


@given(exchanges)
def test_an_exchange_survives_every_form_of_the_event(exchange: Exchange) -> None:
    event = to_event(exchange)
    assert from_event(event) == exchange
    assert records.to_record(event, exchange.id.encode()).value == to_record(exchange).value
    for message in (http.to_binary(event), http.to_structured(event), http.to_batch([event])):
        [read] = http.from_http(message.headers, message.body)
        assert from_event(read) == exchange


@given(exchanges)
def test_the_sdk_reads_an_exchange(exchange: Exchange) -> None:
    record = to_record(exchange)
    message = sdk.KafkaMessage(dict(record.headers), None, record.value)
    read = sdk.from_binary(message, JSONFormat(), SdkEvent)
    assert (read.get_id(), read.get_type()) == (exchange.id, EXCHANGE_TYPE)
    assert read.get_extension("statuscode") == str(exchange.status)
    assert sdk_data(read.get_data()) == record.value


def test_a_structured_record_is_read_too() -> None:
    message = http.to_structured(to_event(EXCHANGE))
    headers = tuple((name, value.encode()) for name, value in message.headers)
    assert from_record(Record(message.body, b"", headers)) == EXCHANGE


def test_sequences_sort_as_text() -> None:
    early = dict(to_record(dataclasses.replace(EXCHANGE, sequence=9)).headers)["ce_sequence"]
    late = dict(to_record(dataclasses.replace(EXCHANGE, sequence=10)).headers)["ce_sequence"]
    assert early < late


def test_an_extension_cannot_take_the_place_of_a_field() -> None:
    with pytest.raises(ValueError, match="'statuscode'"):
        to_record(dataclasses.replace(EXCHANGE, extensions={"statuscode": "500"}))


def changed(name: str, value: bytes | None) -> Record:
    headers = {**dict(to_record(EXCHANGE).headers), name: value}
    kept = tuple((name, value) for name, value in headers.items() if value is not None)
    return Record(to_record(EXCHANGE).value, b"", kept)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("ce_specversion", b"0.3", "ce_specversion: is '0.3'"),
        ("ce_type", b"other", "ce_type: is 'other'"),
        ("content-type", b"application/json", "content-type: is"),
        ("ce_id", None, "ce_id: is missing"),
        ("ce_source", b"", "ce_source: is missing"),
        ("ce_time", None, "ce_time: is missing"),
        ("ce_time", b"noon", "time: 'noon'"),
        ("ce_outcome", b"won", "outcome: is 'won'"),
        ("ce_protocol", b"v3", "protocol: is 'v3'"),
        ("ce_statuscode", b"-1", "ce_statuscode: '-1'"),
        ("ce_durationns", b"1" * 21, "ce_durationns"),
        ("ce_requestjsonlength", b"x", "ce_requestjsonlength"),
        ("ce_headers", b"[]", "ce_headers: not a JSON object"),
        ("ce_headers", b'{"a":1}', "ce_headers: not a JSON object"),
        ("ce_headers", b"{", "ce_headers: not JSON"),
        ("ce_path", b"\xff", "ce_path: header is not UTF-8"),
    ],
)
def test_a_broken_attribute_is_named(name: str, value: bytes | None, told: str) -> None:
    with pytest.raises(MalformedPayload, match=told):
        from_record(changed(name, value))


@given(st.binary(max_size=64))
def test_data_that_are_not_two_bodies_are_refused(data: bytes) -> None:
    record = to_record(EXCHANGE)
    with pytest.raises(MalformedPayload, match="data: "):
        from_record(Record(data, b"", record.headers))


def test_a_header_that_is_there_twice_is_refused() -> None:
    record = to_record(EXCHANGE)
    with pytest.raises(MalformedPayload, match="there twice"):
        from_record(Record(record.value, b"", (*record.headers, ("ce_id", b"2"))))


def test_an_event_of_another_type_is_no_exchange() -> None:
    with pytest.raises(MalformedPayload, match="ce_type"):
        from_event(CloudEvent("1", "/a", "other", time_ns=0))
