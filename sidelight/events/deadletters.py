"""Dead letters: what could not be read, scored or delivered, with its cause and its origin."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import orjson

from sidelight.errors import MalformedPayload
from sidelight.events.cloudevent import CloudEvent
from sidelight.log.contract import Headers, Record

DEAD_LETTER_TYPE = "io.sidelight.deadletter.v1"
MAX_VALUE_BYTES = 64 << 10
"""Of the bad thing's value; `size` tells the whole. The origin's address leads to the rest."""
MAX_HEADERS_BYTES = 16 << 10
_MAX_MESSAGE = 2000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One bad thing.

    `error` is the class of the exception and `message` its text. `origin` is the record's address,
    or the source of what never reached the log. `reporter` names who could not go on with it.
    `headers` and `value` are its own, cut to a limit; `size` is that of the whole value.
    """

    reporter: str
    origin: str
    time_ns: int
    error: str
    message: str
    headers: Headers = ()
    value: bytes = b""
    size: int = 0


def dead_letter(
    cause: BaseException, record: Record, *, reporter: str, origin: str, time_ns: int
) -> DeadLetter:
    """The letter for a record that raised `cause`."""
    return DeadLetter(
        reporter=reporter,
        origin=origin,
        time_ns=time_ns,
        error=type(cause).__name__,
        message=str(cause)[:_MAX_MESSAGE],
        headers=_bounded(record.headers),
        value=record.value[:MAX_VALUE_BYTES],
        size=len(record.value),
    )


def to_event(letter: DeadLetter) -> CloudEvent:
    """The letter as an event. Its id follows from reporter and origin: told twice, it is one."""
    content = {
        "message": letter.message,
        "headers": [[name, _base64(value)] for name, value in letter.headers],
        "value": _base64(letter.value),
        "size": letter.size,
    }
    return CloudEvent(
        id=f"{letter.reporter}:{letter.origin}",
        source=letter.reporter,
        type=DEAD_LETTER_TYPE,
        time_ns=letter.time_ns,
        datacontenttype="application/json",
        subject=letter.origin,
        extensions={"error": letter.error},
        data=orjson.dumps(content),
    )


def from_event(event: CloudEvent) -> DeadLetter:
    """The letter; raises `MalformedPayload` when the event holds none."""
    if event.type != DEAD_LETTER_TYPE:
        raise MalformedPayload(f"is {event.type[:64]!r}, not {DEAD_LETTER_TYPE}", where="type")
    try:
        content = orjson.loads(event.data or b"")
        headers = tuple((str(n), base64.b64decode(v)) for n, v in content["headers"])
        return DeadLetter(
            reporter=event.source,
            origin=event.subject,
            time_ns=event.time_ns or 0,
            error=str(event.extensions.get("error", "")),
            message=str(content["message"]),
            headers=headers,
            value=base64.b64decode(content["value"]),
            size=int(content["size"]),
        )
    except (ValueError, TypeError, KeyError, binascii.Error) as exc:
        raise MalformedPayload(f"no dead letter: {exc!r}", where="data") from exc


def _bounded(headers: Headers) -> Headers:
    kept: list[tuple[str, bytes]] = []
    left = MAX_HEADERS_BYTES
    for name, value in headers:
        left -= len(name) + len(value)
        if left < 0:
            break
        kept.append((name, value))
    return tuple(kept)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
