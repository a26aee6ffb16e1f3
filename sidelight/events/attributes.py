"""A CloudEvent's context attributes as text, the form every wire form shares."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sidelight.errors import MalformedPayload
from sidelight.events.cloudevent import Attribute, CloudEvent
from sidelight.events.times import parse_rfc3339, rfc3339

SPEC_VERSION = "1.0"
_REQUIRED = ("id", "source", "type")
_OPTIONAL = ("dataschema", "subject")
_OWN = frozenset((*_REQUIRED, *_OPTIONAL, "specversion", "time", "datacontenttype", "data"))
_NAME = re.compile(r"[a-z0-9]+", re.ASCII)


def to_text(event: CloudEvent) -> dict[str, str]:
    """All attributes by name except `datacontenttype`, which every wire form places by itself.

    Raises `MalformedPayload` for an event the specification does not allow.
    """
    texts = {"specversion": SPEC_VERSION}
    for name in _REQUIRED:
        texts[name] = _present(name, getattr(event, name))
    if event.time_ns is not None:
        texts["time"] = rfc3339(event.time_ns)
    for name in _OPTIONAL:
        if value := getattr(event, name):
            texts[name] = value
    for name, value in event.extensions.items():
        texts[_legal(name)] = text_of(value)
    return texts


def from_text(
    texts: Mapping[str, Attribute], *, datacontenttype: str, data: bytes | None
) -> CloudEvent:
    """The event; raises `MalformedPayload` naming the attribute that is missing or wrong."""
    version = texts.get("specversion")
    if version != SPEC_VERSION:
        told = "is missing" if version is None else f"is {version!r}"
        raise MalformedPayload(f"{told}; only {SPEC_VERSION} is read", where="specversion")
    time = texts.get("time")
    return CloudEvent(
        id=_present("id", texts.get("id")),
        source=_present("source", texts.get("source")),
        type=_present("type", texts.get("type")),
        time_ns=None if time is None else parse_rfc3339(text_of(time)),
        datacontenttype=datacontenttype,
        dataschema=text_of(texts.get("dataschema", "")),
        subject=text_of(texts.get("subject", "")),
        extensions={_legal(name): texts[name] for name in texts if name not in _OWN},
        data=data,
    )


def text_of(value: Attribute) -> str:
    """The canonical text of a value: ``true``, ``7``, the string itself."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _present(name: str, value: Attribute | None) -> str:
    if value is None or value == "":
        raise MalformedPayload("is missing; every event needs one", where=name)
    return text_of(value)


def _legal(name: str) -> str:
    if name in _OWN or _NAME.fullmatch(name) is None:
        raise MalformedPayload(
            f"{name[:64]!r} cannot name an extension; use lower-case letters and digits"
        )
    return name
