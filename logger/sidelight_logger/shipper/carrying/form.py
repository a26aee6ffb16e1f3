"""A record of the log in the form a sink wants: KServe's two events, or the event as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sidelight.events import http, kserve, records
from sidelight.events.exchange import EXCHANGE_CONTENT_TYPE
from sidelight.events.exchanges import from_record
from sidelight.log.contract import Record, Stored

Form = Literal["kserve", "exchange"]


def messages(stored: Stored, form: Form) -> list[http.HttpMessage]:
    """What to post for the record, in order; raises `MalformedPayload`.

    What is no exchange (feedback) goes as it is in both forms.
    """
    if form == "kserve" and is_exchange(stored.record):
        halves = kserve.to_events(from_record(stored.record), stored.appended_ns)
        return [kserve.to_http(half) for half in halves]
    return [http.to_binary(records.from_record(stored.record))]


def appendable(stored: Stored, form: Form) -> Sequence[Record]:
    """What to append for the record to a topic, in order; raises `MalformedPayload`.

    Both of KServe's events have the key of the exchange, so they meet in one partition.
    """
    if form == "kserve" and is_exchange(stored.record):
        halves = kserve.to_events(from_record(stored.record), stored.appended_ns)
        return [records.to_record(half, stored.record.key) for half in halves]
    return [stored.record]


def is_exchange(record: Record) -> bool:
    return records.content_type_of(record.headers) == EXCHANGE_CONTENT_TYPE
