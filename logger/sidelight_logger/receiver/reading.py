"""What a post says, as records for the topic `halves`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sidelight.errors import MalformedPayload
from sidelight.events import http, records, structured
from sidelight.events.cloudevent import CloudEvent
from sidelight.events.halves import Kind, found_in, kind_and_key
from sidelight.log.contract import Record
from sidelight_logger.joiner.withholding import Withholding
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
"""What is kept of a post's events. `MalformedPayload` when one is none of what is read: a post is
taken whole or not."""


@dataclass(frozen=True)
class CloudEvents:
    """Reads binary and structured events, and batches."""

    withholding: Withholding
    max_bytes: int

    def __call__(self, post: Post) -> list[Said]:
        _refuse_unknown(post)
        events = http.from_http(post.headers, post.content(self.max_bytes))
        return _said(events, self.withholding)


@dataclass(frozen=True)
class Payloads:
    """Reads ModelMesh's posts; of the call's headers it keeps those that are named."""

    withholding: Withholding
    max_bytes: int
    headers: frozenset[str]

    def __call__(self, post: Post) -> list[Said]:
        event = payload_event(post.content(self.max_bytes), self.headers)
        return _said([event], self.withholding)


def _said(events: Iterable[CloudEvent], withholding: Withholding) -> list[Said]:
    """All are looked at before policy sees the first: a post that is refused changes no count."""
    said = []
    for event, found in [(event, found_in(event)) for event in events]:
        kept = withholding.kept(found, records.to_record(event))
        if kept is not None:
            kind, _ = kind_and_key(found)
            said.append(Said(kind, kept))
    return said


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
