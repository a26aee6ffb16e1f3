"""Feedback: what came true of rows that were predicted earlier.

One record says it of one or many rows. Its key in the log is the id that it names first, so that
what is said of one exchange keeps its order. Read are our own form and Seldon Core 1's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from sidelight.errors import MalformedPayload
from sidelight.events import records
from sidelight.events.attributes import text_of
from sidelight.events.cloudevent import CloudEvent
from sidelight.events.labels import Label, labels_of
from sidelight.events.seldon import FEEDBACK_TYPE as SELDON_TYPE
from sidelight.log.contract import Record

FEEDBACK_TYPE = "io.sidelight.feedback.v1"

TYPES = (FEEDBACK_TYPE, SELDON_TYPE)

_NAMES = ("modelname", "modelid", "inferenceservicename")


@dataclass(frozen=True, slots=True)
class Feedback:
    """What one event tells of a model's rows.

    `time_ns` is when that became known, 0 when the event does not say.
    """

    id: str
    source: str
    time_ns: int
    model: str
    labels: tuple[Label, ...]


def is_feedback(record: Record) -> bool:
    return any(name == "ce_type" and value in _TYPES for name, value in record.headers)


_TYPES = tuple(name.encode() for name in TYPES)


def model_of(record: Record) -> str:
    """Whose rows it speaks of, as far as its headers say; empty when they do not."""
    told = {name: value for name, value in record.headers if name.startswith(records.PREFIX)}
    names = (told.get(records.PREFIX + name, b"") for name in _NAMES)
    return next((name.decode(errors="replace") for name in names if name), "")


def to_record(feedback: Feedback) -> Record:
    """As a CloudEvent in binary mode."""
    labels = [[label.subject, label.row, label.value] for label in feedback.labels]
    event = CloudEvent(
        id=feedback.id,
        source=feedback.source,
        type=FEEDBACK_TYPE,
        time_ns=feedback.time_ns or None,
        datacontenttype="application/json",
        extensions={"modelname": feedback.model} if feedback.model else {},
        data=orjson.dumps({"labels": labels}),
    )
    return records.to_record(event, feedback.labels[0].subject.encode() if labels else b"")


def from_record(record: Record) -> Feedback:
    """Raises `MalformedPayload` when it is no feedback that can be read."""
    return from_event(records.from_record(record))


def from_event(event: CloudEvent) -> Feedback:
    """As `from_record`."""
    if event.type not in TYPES:
        raise MalformedPayload(
            f"is {event.type[:64]!r}; feedback is {' or '.join(TYPES)}", where="type"
        )
    named = text_of(event.extensions.get("requestid", ""))
    labels = labels_of(_loaded(event), named, "data")
    names = (text_of(event.extensions.get(name, "")) for name in _NAMES)
    model = next((name for name in names if name), "")
    return Feedback(event.id, event.source, event.time_ns or 0, model, labels)


def _loaded(event: CloudEvent) -> Any:
    try:
        return orjson.loads(event.data or b"")
    except orjson.JSONDecodeError as exc:
        raise MalformedPayload(f"not JSON: {exc}", where="data") from exc
