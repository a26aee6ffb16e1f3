"""What came true of a row, and the JSON documents that say it.

{"id": "018f...", "row": 0, "label": 1}        one row; null takes an earlier label back
{"id": "018f...", "labels": [1, 0, 1]}         the rows of an exchange from the first on
{"labels": [["018f...", 0, 1], ...]}           rows of any exchanges
{"response": {"meta": {"puid": ...}}, "truth": ...}        Seldon Core 1
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sidelight.errors import MalformedPayload
from sidelight.events.seldon_feedback import is_seldons, truths_of

MAX_SUBJECT = 512
"""Characters of an id that is spoken of."""

MAX_ROW = 2**31 - 1

BESIDE = frozenset({"model", "time"})
"""What a document may say beside its labels."""

_KEYS = {"id", "row", "label", "labels"}


@dataclass(frozen=True, slots=True)
class Label:
    """The truth of one row: `subject` is its exchange's id, or the id that its client gave it.

    `value` is what the label says (a class or a number); None takes an earlier label back.
    """

    subject: str
    row: int
    value: Any


def labels_of(document: Any, named: str = "", where: str = "") -> tuple[Label, ...]:
    """The labels of a document; `named` is the id that the message around it names.

    Raises `MalformedPayload`; `where` is the place of the document.
    """
    if not isinstance(document, dict):
        raise MalformedPayload(f"is {told(document)}; send a JSON object", where=where or "body")
    if is_seldons(document):
        subject, truths = truths_of(document, named)
        return tuple(_label(subject, row, one, "truth.") for row, one in enumerate(truths))
    return tuple(_ours(document, named, f"{where}." if where else ""))


def _ours(document: Mapping[str, Any], named: str, where: str) -> Iterator[Label]:
    for key in document.keys() - _KEYS - BESIDE:
        raise MalformedPayload(
            "is not known; send id, row and label, or id and labels", where=f"{where}{key[:40]}"
        )
    subject, several = document.get("id", named or None), document.get("labels")
    if "labels" not in document:
        if "label" not in document:
            raise MalformedPayload(
                "is missing; send a class, a number, or null to take it back", where=f"{where}label"
            )
        yield _label(subject, document.get("row", 0), document["label"], where)
    elif not isinstance(several, list):
        raise MalformedPayload(f"is {told(several)}; send a list", where=f"{where}labels")
    elif "id" in document:
        yield from (_label(subject, row, one, where) for row, one in enumerate(several))
    else:
        yield from (_triple(one, f"{where}labels[{at}]") for at, one in enumerate(several))


def _triple(found: Any, where: str) -> Label:
    if not isinstance(found, list) or len(found) != 3:
        raise MalformedPayload(f"is {told(found)}; send [id, row, label]", where=where)
    subject, row, value = found
    return _label(subject, row, value, f"{where}.")


def _label(subject: Any, row: Any, value: Any, where: str) -> Label:
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT:
        raise MalformedPayload(
            f"is {told(subject)}; name the exchange's id or the id its client gave it, a text of "
            f"up to {MAX_SUBJECT} characters",
            where=f"{where}id",
        )
    if isinstance(row, bool) or not isinstance(row, int) or not 0 <= row <= MAX_ROW:
        raise MalformedPayload(
            f"is {told(row)}; send the number of the row in its request, from 0",
            where=f"{where}row",
        )
    if value is not None and not isinstance(value, str | int | float | bool):
        raise MalformedPayload(
            f"is {told(value)}; send a class, a number, or null to take it back",
            where=f"{where}label",
        )
    return Label(subject, row, value)


def told(value: Any) -> str:
    """A value in a message."""
    return "missing" if value is None else repr(value)[:64]
