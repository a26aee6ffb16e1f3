"""CloudEvents as log records: the Kafka protocol binding, written in binary mode, read in both.

Headers are built and read directly. The record's key is not part of the event.
Source: CloudEvents Kafka protocol binding 1.0.2, section 3.
"""

from __future__ import annotations

from sidelight.errors import MalformedPayload
from sidelight.events import structured
from sidelight.events.attributes import from_text, to_text
from sidelight.events.cloudevent import CloudEvent
from sidelight.log.contract import Headers, Record

PREFIX = "ce_"
CONTENT_TYPE = "content-type"


def to_record(event: CloudEvent, key: bytes = b"") -> Record:
    """The event in binary mode. A record cannot tell an event without data from empty data."""
    headers = [(PREFIX + name, text.encode()) for name, text in to_text(event).items()]
    if event.datacontenttype:
        headers.append((CONTENT_TYPE, event.datacontenttype.encode()))
    return Record(event.data or b"", key, tuple(headers))


def from_record(record: Record) -> CloudEvent:
    """The event; raises `MalformedPayload` when the record holds none."""
    content_type = content_type_of(record.headers)
    if structured.is_structured(content_type):
        return structured.from_json(record.value, content_type)
    texts = attribute_headers(record.headers)
    return from_text(texts, datacontenttype=content_type, data=record.value or None)


def content_type_of(headers: Headers) -> str:
    for name, value in headers:
        if name == CONTENT_TYPE or name.lower() == CONTENT_TYPE:
            return _text(name, value)
    return ""


def attribute_headers(headers: Headers) -> dict[str, str]:
    """The ``ce_`` headers by attribute name; one that is there twice is refused."""
    try:
        pairs = [(name[3:], value.decode()) for name, value in headers if name[:3] == PREFIX]
    except UnicodeDecodeError:
        pairs = [(name, _text(name, value)) for name, value in headers]  # names the culprit
    texts = dict(pairs)
    if len(texts) != len(pairs):
        raise MalformedPayload(f"an attribute is there twice in {[name for name, _ in pairs]}")
    return texts


def _text(name: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as exc:
        raise MalformedPayload(f"header is not UTF-8: {value[:32]!r}", where=name) from exc
