"""CloudEvents as JSON: the structured form of one event, and batches.

Data that is JSON by its content type stands in the envelope as it is (`data`), all other as base64
(`data_base64`). Source: CloudEvents JSON event format 1.0.2.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any

import orjson

from sidelight.errors import MalformedPayload
from sidelight.events.attributes import from_text, to_text
from sidelight.events.cloudevent import Attribute, CloudEvent

ONE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
_ANY = "application/cloudevents"
_LARGEST = 2**31 - 1  # the specification's Integer has 32 bits


def is_structured(content_type: str) -> bool:
    return content_type.lower().startswith(_ANY)


def to_json(event: CloudEvent) -> bytes:
    """The event as a JSON object."""
    return orjson.dumps(_envelope(event))


def batch_to_json(events: Iterable[CloudEvent]) -> bytes:
    """The events as a JSON array."""
    return orjson.dumps([_envelope(event) for event in events])


def from_json(content: bytes, content_type: str = ONE) -> CloudEvent:
    """The event of a JSON object; raises `MalformedPayload`, also for another event format."""
    _expect(content_type, ONE)
    return _event(_loads(content))


def batch_from_json(content: bytes, content_type: str = BATCH) -> list[CloudEvent]:
    """The events of a JSON array, possibly none; one malformed event refuses the batch."""
    _expect(content_type, BATCH)
    envelopes = _loads(content)
    if not isinstance(envelopes, list):
        raise MalformedPayload(f"a batch is a JSON array of events, got {_kind(envelopes)}")
    return [_event(envelope, f"[{at}]") for at, envelope in enumerate(envelopes)]


def _envelope(event: CloudEvent) -> dict[str, Any]:
    envelope: dict[str, Any] = dict(to_text(event))
    envelope.update((name, value) for name, value in event.extensions.items() if _native(value))
    if event.datacontenttype:
        envelope["datacontenttype"] = event.datacontenttype
    if event.data is None:
        return envelope
    if _is_json(event.datacontenttype) and _parses(event.data):
        envelope["data"] = orjson.Fragment(event.data)
    else:
        envelope["data_base64"] = base64.b64encode(event.data).decode()
    return envelope


def _event(envelope: Any, where: str = "") -> CloudEvent:
    if not isinstance(envelope, dict):
        raise MalformedPayload(f"an event is a JSON object, got {_kind(envelope)}", where=where)
    attributes = {
        name: _attribute(name, value)
        for name, value in envelope.items()
        if value is not None and name not in ("data", "data_base64", "datacontenttype")
    }
    datacontenttype = envelope.get("datacontenttype") or ""
    if not isinstance(datacontenttype, str):
        raise MalformedPayload("is not a string", where="datacontenttype")
    data = _data(envelope, datacontenttype)
    return from_text(attributes, datacontenttype=datacontenttype, data=data)


def _attribute(name: str, value: Any) -> Attribute:
    if isinstance(value, str | int):  # bool is an int
        return value
    raise MalformedPayload(f"is {_kind(value)}; use a string, integer or boolean", where=name)


def _data(envelope: dict[str, Any], content_type: str) -> bytes | None:
    if "data" in envelope and "data_base64" in envelope:
        raise MalformedPayload("an event has 'data' or 'data_base64', not both", where="data")
    if "data_base64" in envelope:
        return _decoded(envelope["data_base64"])
    if "data" not in envelope:
        return None
    value = envelope["data"]
    if isinstance(value, str) and not _is_json(content_type):
        return value.encode()
    try:
        return orjson.dumps(value)
    except TypeError as exc:
        raise MalformedPayload(f"cannot be kept: {exc}", where="data") from exc


def _decoded(value: Any) -> bytes:
    if not isinstance(value, str):
        raise MalformedPayload(f"is {_kind(value)}; use a string", where="data_base64")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise MalformedPayload(f"is not base64: {exc}", where="data_base64") from exc


def _native(value: Attribute) -> bool:
    return isinstance(value, bool) or (isinstance(value, int) and abs(value) <= _LARGEST)


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type in ("", "application/json", "text/json") or media_type.endswith("+json")


def _parses(data: bytes) -> bool:
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return False
    return True


def _loads(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as exc:
        raise MalformedPayload(f"not JSON: {exc}") from exc


def _expect(content_type: str, wanted: str) -> None:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type != wanted:
        raise MalformedPayload(f"is {media_type[:64]!r}; {wanted} is read", where="content-type")


def _kind(value: Any) -> str:
    return "null" if value is None else f"a JSON {type(value).__name__}"
