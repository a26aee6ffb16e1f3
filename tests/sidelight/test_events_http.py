"""CloudEvents over HTTP, in every mode, with the `cloudevents` SDK as oracle."""

from __future__ import annotations

import orjson
import pytest
from cloudevents.core.bindings import http as sdk
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent as SdkEvent
from hypothesis import given
from hypothesis import strategies as st

from sidelight.errors import MalformedPayload
from sidelight.events import CloudEvent
from sidelight.events.http import (
    decode_value,
    encode_value,
    from_http,
    to_batch,
    to_binary,
    to_structured,
)
from tests.sidelight.event_strategies import events, oracle_events, sdk_attributes, sdk_data, texts

STRUCTURED = [("Content-Type", "application/cloudevents+json")]
BATCH = [("Content-Type", "application/cloudevents-batch+json; charset=utf-8")]
LEAST = {"specversion": "1.0", "id": "1", "source": "/a", "type": "t"}


@given(events)
def test_an_event_survives_each_mode(event: CloudEvent) -> None:
    for message in (to_binary(event), to_structured(event), to_batch([event])):
        assert from_http(message.headers, message.body) == [event]


@given(st.lists(events, max_size=4))
def test_a_batch_keeps_number_and_order(batch: list[CloudEvent]) -> None:
    message = to_batch(batch)
    assert from_http(message.headers, message.body) == batch


@given(oracle_events)
def test_the_sdk_reads_our_binary_and_structured_form(event: CloudEvent) -> None:
    for message in (to_binary(event), to_structured(event)):
        theirs = sdk.HTTPMessage(dict(message.headers), message.body)
        read = sdk.from_http(theirs, JSONFormat(), SdkEvent)
        assert read.get_attributes() == sdk_attributes(event)
        assert sdk_data(read.get_data()) == event.data


@given(oracle_events)
def test_we_read_the_sdks_binary_and_structured_form(event: CloudEvent) -> None:
    theirs = SdkEvent(sdk_attributes(event), event.data)
    for message in (sdk.to_binary(theirs, JSONFormat()), sdk.to_structured(theirs, JSONFormat())):
        assert from_http(message.headers.items(), message.body) == [event]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_header_values_hold_any_text_in_printable_ascii(text: str) -> None:
    value = encode_value(text)
    assert all(0x21 <= ord(char) <= 0x7E and char != '"' for char in value)
    assert decode_value(value) == text


def test_the_encoding_example_of_the_binding_is_reproduced() -> None:
    assert encode_value("Euro € 😀") == "Euro%20%E2%82%AC%20%F0%9F%98%80"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('"a b"', "a b"),
        (r'"say \"hi\""', 'say "hi"'),
        ("100%", "100%"),
        ("%41%e2%82%ac", "A€"),
        ('{"X":["y"]}', '{"X":["y"]}'),
        ('"', '"'),
        ("%2541", "%41"),
    ],
)
def test_values_of_other_senders_are_read_as_the_binding_says(value: str, text: str) -> None:
    assert decode_value(value) == text


def test_json_data_stands_in_the_envelope_byte_for_byte() -> None:
    event = CloudEvent("1", "/a", "t", datacontenttype="application/json", data=b'{ "a": 1.0 }')
    assert b'"data":{ "a": 1.0 }' in to_structured(event).body


def test_json_data_that_does_not_parse_is_kept_as_base64() -> None:
    event = CloudEvent("1", "/a", "t", datacontenttype="application/json", data=b"{oops")
    message = to_structured(event)
    assert from_http(message.headers, message.body) == [event]


@pytest.mark.parametrize(
    ("content_type", "member", "data"),
    [
        ("text/plain", {"data": "hé"}, "hé".encode()),
        ("application/json", {"data": "hé"}, '"hé"'.encode()),
        ("", {"data": {"a": [1, None]}}, b'{"a":[1,null]}'),
        ("application/json", {"data": None}, b"null"),
        ("text/plain", {"data_base64": "aGk="}, b"hi"),
        ("text/plain", {}, None),
    ],
)
def test_data_is_read_by_its_content_type(
    content_type: str, member: dict[str, object], data: bytes | None
) -> None:
    envelope = {**LEAST, "datacontenttype": content_type or None, **member}
    [event] = from_http(STRUCTURED, orjson.dumps(envelope))
    assert event.data == data


def test_native_types_survive_the_structured_form() -> None:
    event = CloudEvent("1", "/a", "t", extensions={"flag": True, "count": 7, "big": "2147483648"})
    message = to_structured(event)
    assert from_http(message.headers, message.body) == [event]


def test_an_integer_beyond_32_bits_goes_as_text() -> None:
    event = CloudEvent("1", "/a", "t", extensions={"big": 2**31})
    assert b'"big":"2147483648"' in to_structured(event).body


@pytest.mark.parametrize(
    ("headers", "body", "told"),
    [
        ([], b"", "specversion: is missing"),
        ([("ce-id", "1"), ("Ce-Id", "2")], b"", "ce-id: header is there twice"),
        (STRUCTURED, b"", "not JSON"),
        (STRUCTURED, b"[]", "an event is a JSON object"),
        (STRUCTURED, b"{" * 5000, "not JSON"),
        (STRUCTURED, orjson.dumps({**LEAST, "x": {}}), "x: is a JSON dict"),
        (STRUCTURED, orjson.dumps({**LEAST, "x": 1.5}), "x: is a JSON float"),
        (STRUCTURED, orjson.dumps({**LEAST, "A-b": "x"}), "'A-b' cannot name"),
        (STRUCTURED, orjson.dumps({**LEAST, "id": None}), "id: is missing"),
        (STRUCTURED, orjson.dumps({**LEAST, "data_base64": "?"}), "is not base64"),
        (STRUCTURED, orjson.dumps({**LEAST, "data_base64": 1}), "data_base64: is a JSON int"),
        (STRUCTURED, orjson.dumps({**LEAST, "data": 1, "data_base64": "YQ=="}), "not both"),
        (STRUCTURED, orjson.dumps({**LEAST, "datacontenttype": 1}), "datacontenttype"),
        (BATCH, b"{}", "a batch is a JSON array"),
        (BATCH, b"[{}]", "specversion: is missing"),
        (BATCH, b"[1]", r"\[0\]: an event is a JSON object"),
        ([("Content-Type", "application/cloudevents+xml")], b"", "cloudevents"),
        ([("ce-specversion", "1.0"), ("ce-id", "%ff")], b"", "does not decode"),
    ],
)
def test_a_malformed_message_is_refused_by_name(
    headers: list[tuple[str, str]], body: bytes, told: str
) -> None:
    with pytest.raises(MalformedPayload, match=told):
        from_http(headers, body)


def test_data_nested_too_deep_to_write_again_is_refused() -> None:
    deep = b"[" * 500 + b"]" * 500
    body = orjson.dumps(LEAST)[:-1] + b',"data":' + deep + b"}"
    with pytest.raises(MalformedPayload, match="data: cannot be kept"):
        from_http(STRUCTURED, body)


@given(st.binary(max_size=80), st.sampled_from([STRUCTURED, BATCH, []]), texts)
def test_noise_never_raises_anything_else(
    body: bytes, headers: list[tuple[str, str]], value: str
) -> None:
    try:
        from_http([*headers, ("ce-specversion", "1.0"), ("ce-id", value)], body)
    except MalformedPayload:
        return
