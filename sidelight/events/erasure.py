"""What of each record goes when an exchange is to be forgotten.

The exchange itself stays as a fact without content: when, which model, which status. Its number in
the log stays too, so that readers and their accounts go on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import orjson

from sidelight.errors import MalformedPayload
from sidelight.events import deadletters, exchanges, feedback, records
from sidelight.events.cloudevent import CloudEvent
from sidelight.events.exchange import Body, Exchange
from sidelight.events.labels import Label
from sidelight.log.contract import Record, Stored

DELETED_TYPE = "io.sidelight.deleted.v1"
_NOBODY = "deleted"
_STORED = ("dataref", "datasha256")

TOMBSTONE = records.to_record(
    CloudEvent(id=_NOBODY, source="sidelight", type=DELETED_TYPE, extensions={})
)
"""Stands at the end of a segment where a record went."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Ids of exchanges, the ids that clients gave to them, where all of them stood, and where
    bodies of theirs lie in a store."""

    ids: Collection[str]
    client_ids: Collection[str] = ()
    addresses: Collection[str] = ()
    references: Collection[str] = ()

    def exchange(self, stored: Stored) -> Record | None:
        """Of ``inference``: an exchange without content, feedback without the labels."""
        record = stored.record
        try:
            if feedback.is_feedback(record):
                return self._feedback(record)
            found = exchanges.from_record(record)
        except MalformedPayload:
            return None if _has_any(record, self.ids) else record
        known = found.id in self.ids or found.correlation_id in self.ids
        return exchanges.to_record(emptied(found)) if known else record

    def half(self, stored: Stored) -> Record | None:
        """Of ``halves``: nothing."""
        return None if _has_any(stored.record, (*self.ids, *self.client_ids)) else stored.record

    def letter(self, stored: Stored) -> Record | None:
        """Of ``dead-letters``: nothing where one tells of such a record."""
        try:
            letter = deadletters.from_event(records.from_record(stored.record))
        except MalformedPayload:
            return stored.record
        bad = Record(letter.value, b"", letter.headers)
        concerned = letter.origin in self.addresses or _has_any(bad, (*self.ids, *self.client_ids))
        return None if concerned else stored.record

    def result(self, stored: Stored) -> Record | None:
        """Of ``results``: nothing where one is about a row of such an exchange."""
        try:
            said = orjson.loads(stored.record.value)
        except orjson.JSONDecodeError:
            return stored.record
        told = set(_texts(said)) | {
            value.decode("utf-8", "replace") for _, value in stored.record.headers
        }
        concerned = not told.isdisjoint((*self.addresses, *self.ids))
        return None if concerned else stored.record

    def _feedback(self, record: Record) -> Record:
        """A label that takes back an answer of nobody's."""
        found = feedback.from_record(record)
        labels = tuple(
            Label(_NOBODY, label.row, None) if label.subject in self.ids else label
            for label in found.labels
        )
        if labels == found.labels:
            return record
        event_id = _NOBODY if found.id in self.ids else found.id
        return feedback.to_record(replace(found, id=event_id, labels=labels))


def emptied(exchange: Exchange) -> Exchange:
    """Without bodies, headers and whatever a client chose."""
    return replace(
        exchange,
        path="",
        correlation_id="",
        traceparent="",
        tracestate="",
        purpose="",
        headers={},
        extensions={
            name: text for name, text in exchange.extensions.items() if not name.endswith(_STORED)
        },
        request=_gone(exchange.request),
        response=_gone(exchange.response),
    )


def references(exchange: Exchange) -> Iterator[str]:
    """Where bodies lie in a store."""
    for name, text in exchange.extensions.items():
        if name.endswith(_STORED[0]):
            yield text


def _gone(body: Body) -> Body:
    return Body(size=body.size)


def _has_any(record: Record, ids: Collection[str]) -> bool:
    told = {record.key, *(value for _, value in record.headers)}
    return any(one.encode() in told for one in ids)


def _texts(node: object) -> list[str]:
    found: list[str] = []
    waiting = [node]
    for item in waiting:
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
    return found
