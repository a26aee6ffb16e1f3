"""Foreign events in our terms: one side of an exchange, feedback, or an exchange of our own form.

Read are KServe's payload logger (also through Knative, which adds attributes and changes none),
Seldon Core 1 as CloudEvents or in its own Kafka form, and Sidelight's exchanges; CloudEvents in
binary and structured mode.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from sidelight.errors import MalformedPayload
from sidelight.events import exchanges, kserve, records, seldon, structured
from sidelight.events.attributes import text_of
from sidelight.events.cloudevent import CloudEvent
from sidelight.events.exchange import EXCHANGE_TYPE, Exchange
from sidelight.log.contract import Record

_GZIP = b"\x1f\x8b"
_SIDES: dict[str, Literal["request", "response"]] = {
    kserve.REQUEST_TYPE: "request",
    kserve.RESPONSE_TYPE: "response",
}
_NUMBERS = frozenset({"statuscode", "jsonlength", "truncatedfrom", "bodysize"})
_SCOPE = (
    "namespace",
    "inferenceservicename",
    "component",
    "endpoint",
    "modelname",
    "exchangeid",  # of our own logger: one for each exchange, whatever ids clients choose
)
_RECORDED = "recordedtime"


@dataclass(frozen=True, slots=True)
class Half:
    """One side of an exchange, as an event in KServe's terms (`sidelight.events.kserve`).

    `event_id` is what the sender named this one event, which for Seldon is not the id of the pair.
    """

    side: Literal["request", "response"]
    event: CloudEvent
    event_id: str

    @property
    def pair_id(self) -> str:
        """The id that request and response share."""
        return self.event.id

    @property
    def pair_key(self) -> tuple[str, ...]:
        """Equal for the two sides of one exchange: the id alone is not enough, because a
        transformer and a predictor behind it may log under one id."""
        extensions = self.event.extensions
        scope = (text_of(extensions.get(name, "")) for name in _SCOPE)
        return (self.event.id, self.event.source, *scope)

    def fits(self, other: Half) -> bool:
        """Whether nothing speaks against that the two are one exchange: they are its two sides,
        and the answer was not there before the question. Senders that tell ``recordedtime`` tell
        when things happened; of all others `time` is when they were sent, in any order."""
        if self.side == other.side:
            return False
        request, response = (self, other) if self.side == "request" else (other, self)
        asked_ns, answered_ns = request.happened_ns, response.happened_ns
        return asked_ns is None or answered_ns is None or asked_ns <= answered_ns

    @property
    def happened_ns(self) -> int | None:
        """When the request came or the answer ended, by the sender's clock; None if not told."""
        return self.event.time_ns if _RECORDED in self.event.extensions else None


@dataclass(frozen=True, slots=True)
class Feedback:
    """What somebody said of an earlier answer."""

    event: CloudEvent

    @property
    def pair_id(self) -> str:
        """The id of the exchange it speaks of, where it names one."""
        return text_of(self.event.extensions.get("requestid", "")) or self.event.id


Kind = Literal["request", "response", "exchange", "feedback"]


def kind_and_key(found: Half | Feedback | Exchange) -> tuple[Kind, str]:
    """What it turned out to be, and the key that brings halves of one exchange together."""
    match found:
        case Half():
            return found.side, found.pair_id
        case Feedback():
            return "feedback", found.pair_id
        case Exchange():
            return "exchange", found.id


def recognised(record: Record) -> Half | Feedback | Exchange:
    """What a foreign record holds; `MalformedPayload` when it is none of what is read."""
    return found_in(_event(record))


def found_in(event: CloudEvent) -> Half | Feedback | Exchange:
    """What a foreign event says; `MalformedPayload` when it is none of what is read."""
    if event.type == EXCHANGE_TYPE:
        return exchanges.from_event(event)
    if event.type == seldon.FEEDBACK_TYPE:
        return Feedback(event)
    return half_of(event)


def half_of(event: CloudEvent) -> Half:
    """One side of an exchange; `MalformedPayload` when the event is none, or cannot be paired."""
    told = seldon.to_kserve(event) if event.type in seldon.TYPES else event
    side = _SIDES.get(told.type)
    if side is None:
        raise MalformedPayload(
            f"is {event.type[:64]!r}; read are the inference events of KServe and Seldon, "
            f"{seldon.FEEDBACK_TYPE} and {EXCHANGE_TYPE}",
            where="type",
        )
    half = Half(side, _with_encoding(told), event.id)
    if _may_be_refused(told):
        exchange_of(half, exchange_id="", received_ns=0)  # told now, while its origin is at hand
    return half


def exchange_of(
    half: Half, other: Half | None = None, *, exchange_id: str, received_ns: int
) -> Exchange:
    """The exchange of two halves in any order, or of the one that came.

    A response alone is an exchange that is "unasked". Errors as those of `kserve.pair`.
    """
    sides = {one.side: one.event for one in (half, other) if one is not None}
    paired = kserve.pair(
        sides.get("request"),
        sides.get("response"),
        exchange_id=exchange_id,
        received_ns=received_ns,
    )
    return paired if "request" in sides else replace(paired, outcome="unasked")


def _may_be_refused(event: CloudEvent) -> bool:
    """Whether something is in it that pairing looks into, which most halves have not."""
    extensions = event.extensions
    return extensions.get("metadata", "{}") != "{}" or not _NUMBERS.isdisjoint(extensions)


def _event(record: Record) -> CloudEvent:
    if structured.is_structured(records.content_type_of(record.headers)):
        return records.from_record(record)
    if any(name.startswith(records.PREFIX) for name, _ in record.headers):
        return records.from_record(record)
    plain = {name: value.decode(errors="replace") for name, value in record.headers}
    if seldon.is_direct(plain):
        event = seldon.from_direct(plain, record.value)
        if not event.id:
            raise MalformedPayload("is missing; request and response share it", where="requestid")
        return event
    if record.value[:1] == b"{" and b'"specversion"' in record.value:
        # The CloudEvents SDK for Python before 2.0 names the type of the data instead.
        return structured.from_json(record.value)
    raise MalformedPayload(
        "no CloudEvent: neither ce_ headers nor a content type application/cloudevents",
        where="headers",
    )


def _with_encoding(event: CloudEvent) -> CloudEvent:
    """KServe logs a compressed body as it was, and does not say so."""
    if not (event.data or b"").startswith(_GZIP) or "contentencoding" in event.extensions:
        return event
    return replace(event, extensions={**event.extensions, "contentencoding": "gzip"})
