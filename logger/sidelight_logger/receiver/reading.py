"""What a post says, as records for the topic `halves`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sidelight.errors import MalformedPayload
from sidelight.events import http, records, structured
from sidelight.events.cloudevent import CloudEvent
from sidelight.events.halves import Kind, found_in, kind_and_key
from sidelight.log.contract import Record
from sidelight_logger.receiver.modelmesh import payload_event
from sidelight_logger.receiver.post import Post
from sidelight_logger.receiver.refusals import UnknownFormat

_FORMATS = (structured.ONE, structured.BATCH)


@dataclass(frozen=True, slots=True)
class Said:
    """One event: what it is, and the record that keeps it."""

    kind: Kind
    record: Record


Reading = Callable[[Post], Sequence[Said]]
"""Raises `MalformedPayload` when one event is none of what is read: a post is taken whole."""


@dataclass(frozen=True)
class CloudEvents:
    """Reads binary and structured events, and batches."""

    max_bytes: int

    def __call__(self, post: Post) -> list[Said]:
        _refuse_unknown(post)
        return [
            _said(event) for event in http.from_http(post.headers, post.content(self.max_bytes))
        ]


@dataclass(frozen=True)
class Payloads:
    """Reads ModelMesh's posts; of the call's headers it keeps those that are named."""

    max_bytes: int
    headers: frozenset[str]

    def __call__(self, post: Post) -> list[Said]:
        return [_said(payload_event(post.content(self.max_bytes), self.headers))]


def _said(event: CloudEvent) -> Said:
    kind, key = kind_and_key(found_in(event))
    return Said(kind, records.to_record(event, key.encode()))


def _refuse_unknown(post: Post) -> None:
    headers = dict(post.headers)
    told = headers.get(http.CONTENT_TYPE, "")
    if not structured.is_structured(told):
        if f"{http.PREFIX}specversion" in headers:
            return
        raise MalformedPayload(
            "no CloudEvent: neither Ce- headers nor a content type application/cloudevents+json",
            where="headers",
        )
    if told.partition(";")[0].strip().lower() not in _FORMATS:
        raise UnknownFormat(f"is {told[:64]!r}; read are {' and '.join(_FORMATS)}", where="type")
