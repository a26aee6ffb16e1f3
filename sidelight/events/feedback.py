"""Feedback: what came true of rows that were predicted earlier.

One record says it of one or many rows. Its key in the log is the id that it names first, so that
what is said of one exchange keeps its order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from sidelight.errors import MalformedPayload
from sidelight.events import records
from sidelight.events.cloudevent import CloudEvent
from sidelight.events.seldon import FEEDBACK_TYPE as SELDON_TYPE
from sidelight.log.contract import Record

FEEDBACK_TYPE = "io.sidelight.feedback.v1"

_TYPES = tuple(name.encode() for name in (FEEDBACK_TYPE, SELDON_TYPE))


@dataclass(frozen=True, slots=True)
class Label:
    """The truth of one row: `subject` is its exchange's id, or the id that its client gave it.

    `value` is what the label says (a class, a number, for several outputs an object); None takes an
    earlier label back.
    """

    subject: str
    row: int
    value: Any


@dataclass(frozen=True, slots=True)
class Feedback:
    """What one event tells of a model's rows; `time_ns` is when that became known."""

    id: str
    source: str
    time_ns: int
    model: str
    labels: tuple[Label, ...]


def is_feedback(record: Record) -> bool:
    return any(name == "ce_type" and value in _TYPES for name, value in record.headers)


def to_record(feedback: Feedback) -> Record:
    """As a CloudEvent in binary mode."""
    labels = [[label.subject, label.row, label.value] for label in feedback.labels]
    event = CloudEvent(
        id=feedback.id,
        source=feedback.source,
        type=FEEDBACK_TYPE,
        time_ns=feedback.time_ns,
        datacontenttype="application/json",
        extensions={"modelname": feedback.model},
        data=orjson.dumps({"labels": labels}),
    )
    return records.to_record(event, feedback.labels[0].subject.encode() if labels else b"")


def from_record(record: Record) -> Feedback:
    """Raises `MalformedPayload` when it is no feedback that can be read."""
    event = records.from_record(record)
    if event.type == SELDON_TYPE:
        raise MalformedPayload("Seldon's feedback is not read yet", where="type")
    try:
        found = orjson.loads(event.data or b"")["labels"]
        labels = tuple(Label(str(subject), int(row), value) for subject, row, value in found)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as exc:
        raise MalformedPayload(f"no labels in it ({exc})", where="data") from exc
    model = str(event.extensions.get("modelname", ""))
    return Feedback(event.id, event.source, event.time_ns or 0, model, labels)
