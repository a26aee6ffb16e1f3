"""Feedback: what came true of rows that were predicted earlier.

One record says it of one or many rows. Its key in the log is the id that it names first, so that
what is said of one exchange keeps its order. Read are our own form and Seldon Core 1's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from sidelight.errors import MalformedPayload
from sidelight.events import records
from sidelight.events.attributes import text_of
from sidelight.events.cloudevent import CloudEvent
from sidelight.events.seldon import FEEDBACK_TYPE as SELDON_TYPE
from sidelight.events.seldon_feedback import truths_of
from sidelight.log.contract import Record

FEEDBACK_TYPE = "io.sidelight.feedback.v1"

MAX_SUBJECT = 512
"""Characters of an id that is spoken of."""

MAX_ROW = 2**31 - 1

_TYPES = tuple(name.encode() for name in (FEEDBACK_TYPE, SELDON_TYPE))
_NAMES = ("modelname", "modelid", "inferenceservicename")


@dataclass(frozen=True, slots=True)
class Label:
    """The truth of one row: `subject` is its exchange's id, or the id that its client gave it.

    `value` is what the label says (a class or a number); None takes an earlier label back.
    """

    subject: str
    row: int
    value: Any


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
    labels = _seldons(event) if event.type == SELDON_TYPE else _ours(event)
    names = (text_of(event.extensions.get(name, "")) for name in _NAMES)
    model = next((name for name in names if name), "")
    return Feedback(event.id, event.source, event.time_ns or 0, model, labels)


def label_of(subject: Any, row: Any, value: Any, where: str) -> Label:
    """The label, looked at closely; `MalformedPayload` says what is wrong at that place."""
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT:
        raise MalformedPayload(
            f"is {_told(subject)}; name the exchange's id or the id its client gave it, a text of "
            f"up to {MAX_SUBJECT} characters",
            where=f"{where}.id",
        )
    if isinstance(row, bool) or not isinstance(row, int) or not 0 <= row <= MAX_ROW:
        raise MalformedPayload(
            f"is {_told(row)}; send the number of the row in its request, from 0",
            where=f"{where}.row",
        )
    if value is not None and not isinstance(value, str | int | float | bool):
        raise MalformedPayload(
            f"is {_told(value)}; send a class, a number, or null to take it back",
            where=f"{where}.label",
        )
    return Label(subject, row, value)


def _ours(event: CloudEvent) -> tuple[Label, ...]:
    found = _loaded(event).get("labels")
    if not isinstance(found, list):
        raise MalformedPayload(
            f"is {_told(found)}; send a list of [id, row, label]", where="data.labels"
        )
    return tuple(_triple(one, f"data.labels[{at}]") for at, one in enumerate(found))


def _triple(found: Any, where: str) -> Label:
    if not isinstance(found, list) or len(found) != 3:
        raise MalformedPayload(f"is {_told(found)}; send [id, row, label]", where=where)
    subject, row, value = found
    return label_of(subject, row, value, where)


def _seldons(event: CloudEvent) -> tuple[Label, ...]:
    named = text_of(event.extensions.get("requestid", ""))
    subject, truths = truths_of(_loaded(event), named)
    return tuple(label_of(subject, row, value, "truth") for row, value in enumerate(truths))


def _loaded(event: CloudEvent) -> Mapping[str, Any]:
    try:
        found = orjson.loads(event.data or b"")
    except orjson.JSONDecodeError as exc:
        raise MalformedPayload(f"not JSON: {exc}", where="data") from exc
    if not isinstance(found, dict):
        raise MalformedPayload(f"is {_told(found)}; send a JSON object", where="data")
    return found


def _told(value: Any) -> str:
    return "missing" if value is None else repr(value)[:64]
