"""CloudEvents over HTTP in all three modes: binary, structured, batch; both ways.

Source: CloudEvents HTTP protocol binding 1.0.2, section 3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from sidelight.errors import MalformedPayload
from sidelight.events import structured
from sidelight.events.attributes import from_text, to_text
from sidelight.events.cloudevent import CloudEvent

PREFIX = "ce-"
CONTENT_TYPE = "content-type"
_PLAIN = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')
_ALL_PLAIN = re.compile(f"[{re.escape(_PLAIN)}]*").fullmatch
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class HttpMessage:
    """What a request or response carries; header names in lower case."""

    headers: tuple[tuple[str, str], ...]
    body: bytes


def to_binary(event: CloudEvent) -> HttpMessage:
    """Attributes as headers, data as the body."""
    headers = [(PREFIX + name, encode_value(text)) for name, text in to_text(event).items()]
    if event.datacontenttype:
        headers.append((CONTENT_TYPE, event.datacontenttype))
    return HttpMessage(tuple(headers), event.data or b"")


def to_structured(event: CloudEvent) -> HttpMessage:
    """The whole event as a JSON body."""
    return HttpMessage(((CONTENT_TYPE, structured.ONE),), structured.to_json(event))


def to_batch(events: Iterable[CloudEvent]) -> HttpMessage:
    """Many events as one JSON body."""
    return HttpMessage(((CONTENT_TYPE, structured.BATCH),), structured.batch_to_json(events))


def from_http(headers: Iterable[tuple[str, str]], body: bytes) -> list[CloudEvent]:
    """The events of a message in any mode: one, or those of a batch.

    Raises `MalformedPayload` when the message holds no event, or one that is not legal.
    """
    lower = [(name.lower(), value) for name, value in headers]
    content_type = next((value for name, value in lower if name == CONTENT_TYPE), "")
    if not structured.is_structured(content_type):
        texts = _attribute_headers(lower)
        return [from_text(texts, datacontenttype=content_type, data=body or None)]
    if content_type.lower().startswith(structured.BATCH):
        return structured.batch_from_json(body, content_type)
    return [structured.from_json(body, content_type)]


def encode_value(text: str) -> str:
    """The text with space, ``"``, ``%`` and all but printable ASCII percent-encoded."""
    return text if _ALL_PLAIN(text) else quote(text, safe=_PLAIN)


def decode_value(value: str) -> str:
    """The attribute's text: quotes are taken off, then one round of percent-decoding."""
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = _ESCAPED.sub(r"\1", value[1:-1])
    if "%" not in value:
        return value
    try:
        return unquote_to_bytes(value).decode()
    except UnicodeDecodeError as exc:
        raise MalformedPayload(f"{value[:64]!r} does not decode to UTF-8") from exc


def _attribute_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, value in headers:
        if name.startswith(PREFIX):
            attribute = name[len(PREFIX) :]
            if attribute in texts:
                raise MalformedPayload("header is there twice", where=name)
            texts[attribute] = decode_value(value)
    return texts
