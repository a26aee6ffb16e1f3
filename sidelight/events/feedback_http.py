"""Feedback as it is sent over HTTP: JSON, one document or a list, or CloudEvents in any mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson

from sidelight.errors import MalformedPayload
from sidelight.events import http, structured
from sidelight.events.feedback import Feedback, from_event
from sidelight.events.labels import labels_of, told
from sidelight.events.times import parse_rfc3339

SOURCE = "/sidelight/feedback"

SELDON_ID = "seldon-puid"
"""Header in which Seldon's clients name the request that they speak of."""


def feedback_of(
    headers: Sequence[tuple[str, str]], body: bytes, mint: Callable[[], str]
) -> list[Feedback]:
    """What a message says, an entry for each event or document; without a time where it tells none.

    `mint` names what has no id of its own. Raises `MalformedPayload`.
    """
    lower = {name.lower(): value for name, value in headers}
    is_event = structured.is_structured(lower.get(http.CONTENT_TYPE, ""))
    if is_event or "ce-specversion" in lower:
        return [from_event(event) for event in http.from_http(headers, body)]
    return list(_documents(_loaded(body), lower.get(SELDON_ID, ""), mint))


def _documents(document: Any, named: str, mint: Callable[[], str]) -> Iterator[Feedback]:
    if not isinstance(document, list):
        yield _feedback(document, named, mint(), "")
        return
    for at, one in enumerate(document):
        yield _feedback(one, named, mint(), f"[{at}]")


def _feedback(document: Any, named: str, id_: str, where: str) -> Feedback:
    labels = labels_of(document, named, where)
    model, time = document.get("model", ""), document.get("time")
    if not isinstance(model, str):
        raise MalformedPayload(f"is {told(model)}; send the model's name", where=f"{where}model")
    time_ns = 0 if time is None else parse_rfc3339(str(time))
    return Feedback(id_, SOURCE, time_ns, model, labels)


def _loaded(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise MalformedPayload(f"not JSON: {exc}", where="body") from exc
