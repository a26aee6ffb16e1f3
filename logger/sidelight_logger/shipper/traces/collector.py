"""Delivers spans to an OpenTelemetry collector: OTLP over HTTP, in protobuf."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from sidelight.errors import MalformedPayload, SidelightError
from sidelight.events.exchange import Exchange
from sidelight.events.exchanges import from_record
from sidelight.events.http import HttpMessage
from sidelight.log.contract import Record, Stored
from sidelight_logger.shipper.carrying.choosing import Choice
from sidelight_logger.shipper.carrying.fates import DELIVERED, Fate, SinkRefused
from sidelight_logger.shipper.carrying.form import is_exchange
from sidelight_logger.shipper.carrying.patience import Patience
from sidelight_logger.shipper.traces.context import caller
from sidelight_logger.shipper.traces.spans import export_request
from sidelight_logger.wire.sinks import FILTERED, SAMPLED

_PROTOBUF = (("content-type", "application/x-protobuf"),)


class Collector(Protocol):
    """Takes posts; called by one thread. Raises `SinkRefused` or `SinkFailed`."""

    def post(self, message: HttpMessage) -> bytes:
        """The beginning of the answer."""
        ...


class Tracing:
    """A `Delivery` of spans, many at once."""

    at_once = 500
    gather_seconds = 1.0
    longest_wait_seconds = 30.0

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    def deliver(self, found: Sequence[Stored], patience: Patience) -> Iterator[Fate]:
        parcels = [_parcel(stored.record) for stored in found]
        self._post([parcel for parcel in parcels if parcel.exchange], patience)
        return (DELIVERED if one.cause is None else Fate(cause=one.cause) for one in parcels)

    def _post(self, parcels: Sequence[_Parcel], patience: Patience) -> None:
        """What is refused is halved until the span that is to blame stands alone."""
        if not parcels:
            return
        request = export_request(one.exchange for one in parcels if one.exchange)
        message = HttpMessage(_PROTOBUF, request.SerializeToString())
        try:
            _hear(patience.insist(partial(self._collector.post, message)))
        except SinkRefused as cause:
            if len(parcels) == 1:
                parcels[0].cause = cause
                return
            half = len(parcels) // 2
            self._post(parcels[:half], patience)
            self._post(parcels[half:], patience)


def wants_spans(choice: Choice) -> Choice:
    """That choice of exchanges, without those whose caller does not record its trace."""

    def left_out(record: Record) -> str:
        if not is_exchange(record):
            return FILTERED
        found = caller(_traceparent(record))
        return choice(record) if found is None or found.is_sampled else SAMPLED

    return left_out


@dataclass(slots=True)
class _Parcel:
    """What a span is made of, and why it could not be delivered."""

    exchange: Exchange | None = None
    cause: SidelightError | None = None


def _parcel(record: Record) -> _Parcel:
    try:
        return _Parcel(from_record(record))
    except MalformedPayload as cause:
        return _Parcel(cause=cause)


def _traceparent(record: Record) -> str:
    values = (value for name, value in record.headers if name == "ce_traceparent")
    return next(values, b"").decode(errors="replace")


def _hear(answer: bytes) -> None:
    """Tell what the collector took only in part; it must not be sent again, and is not."""
    try:
        partial_success = ExportTraceServiceResponse.FromString(answer).partial_success
    except DecodeError:
        return  # an answer in JSON, or a proxy's: its status has said enough
    if partial_success.rejected_spans:
        structlog.get_logger("sidelight.shipper").warning(
            "spans rejected",
            rejected=partial_success.rejected_spans,
            cause=partial_success.error_message[:200],
        )
