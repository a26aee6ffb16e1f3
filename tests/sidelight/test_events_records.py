"""CloudEvents as log records, with the `cloudevents` SDK as oracle for the Kafka binding."""

from __future__ import annotations

import orjson
import pytest
from cloudevents.core.bindings import kafka as sdk
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent as SdkEvent
from hypothesis import assume, given
from hypothesis import strategies as st

from sidelight.errors import MalformedPayload
from sidelight.events import CloudEvent
from sidelight.events.records import from_record, to_record
from sidelight.log.contract import Record
from tests.sidelight.event_strategies import events, oracle_events, sdk_attributes, sdk_data

LEGAL = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"1"),
    ("ce_source", b"/test"),
    ("ce_type", b"test"),
)


@given(events, st.binary(max_size=10))
def test_an_event_survives_the_log(event: CloudEvent, key: bytes) -> None:
    record = to_record(event, key)
    assert record.key == key
    assert from_record(record) == event


@given(oracle_events)
def test_the_sdk_reads_what_we_write(event: CloudEvent) -> None:
    record = to_record(event)
    message = sdk.KafkaMessage(dict(record.headers), None, record.value)
    read = sdk.from_binary(message, JSONFormat(), SdkEvent)
    assert read.get_attributes() == sdk_attributes(event)
    assert sdk_data(read.get_data()) == event.data


@given(oracle_events)
def test_we_read_what_the_sdk_writes(event: CloudEvent) -> None:
    written = sdk.to_binary(SdkEvent(sdk_attributes(event), event.data), JSONFormat())
    record = Record(written.value, b"", tuple(written.headers.items()))
    assert from_record(record) == event


@given(oracle_events)
def test_we_read_what_the_sdk_writes_structured(event: CloudEvent) -> None:
    written = sdk.to_structured(SdkEvent(sdk_attributes(event), event.data), JSONFormat())
    record = Record(written.value, b"", tuple(written.headers.items()))
    assert from_record(record) == event


def test_a_structured_record_with_ce_headers_is_still_structured() -> None:
    envelope = {"specversion": "1.0", "id": "1", "source": "/a", "type": "t", "data": {"x": 1}}
    headers = (("content-type", b"Application/CloudEvents+json; charset=UTF-8"), ("ce_id", b"2"))
    event = from_record(Record(orjson.dumps(envelope), b"key", headers))
    assert (event.id, event.data, event.extensions) == ("1", b'{"x":1}', {})


def test_a_key_that_is_no_text_does_no_harm_and_invents_no_attribute() -> None:
    event = from_record(Record(b"", b"\xff\xfe", LEGAL))
    assert event == CloudEvent("1", "/test", "test")


def test_json_data_is_kept_byte_for_byte() -> None:
    record = Record(b'{ "a" : 1.0 }', b"", (*LEGAL, ("content-type", b"application/json")))
    event = from_record(record)
    assert event.data == b'{ "a" : 1.0 }'
    assert to_record(event).value == record.value


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ((), "specversion: is missing"),
        ((("ce_specversion", b"0.3"),), "specversion: is '0.3'"),
        (LEGAL[:1], "id: is missing"),
        ((*LEGAL[:1], ("ce_id", b"")), "id: is missing"),
        (LEGAL[:3], "type: is missing"),
        ((*LEGAL, ("ce_id", b"2")), "there twice"),
        ((*LEGAL, ("ce_time", b"yesterday")), "time: 'yesterday'"),
        ((*LEGAL, ("ce_Upper", b"x")), "'Upper' cannot name an extension"),
        ((*LEGAL, ("ce_x", b"\xff")), "ce_x: header is not UTF-8"),
        ((("content-type", b"application/cloudevents+avro"),), "application/cloudevents"),
        ((("content-type", b"application/cloudevents-batch+json"),), "application/cloudevents"),
    ],
)
def test_a_malformed_record_is_refused_by_name(
    headers: tuple[tuple[str, bytes], ...], told: str
) -> None:
    with pytest.raises(MalformedPayload, match=told):
        from_record(Record(b"{}", b"", headers))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ce_id", "ce_time", "ce_specversion", "content-type", "ce_x", "y"]),
            st.sampled_from([b"1.0", b"application/cloudevents+json", b"\xff", b""]),
        )
    ),
    st.binary(max_size=60),
)
def test_noise_never_raises_anything_else(headers: list[tuple[str, bytes]], value: bytes) -> None:
    try:
        from_record(Record(value, b"", tuple(headers)))
    except MalformedPayload:
        assume(True)


@pytest.mark.parametrize(
    "event",
    [
        CloudEvent("", "/a", "t"),
        CloudEvent("1", "", "t"),
        CloudEvent("1", "/a", "t", extensions={"Not-legal": "x"}),
        CloudEvent("1", "/a", "t", extensions={"id": "x"}),
    ],
)
def test_an_illegal_event_is_not_written(event: CloudEvent) -> None:
    with pytest.raises(MalformedPayload):
        to_record(event)
