"""A record of the log in the form a sink wants: KServe's two events, or the event as it is."""

from __future__ import annotations

from typing import Literal

from sidelight.events import http, kserve
from sidelight.events.exchange import EXCHANGE_CONTENT_TYPE
from sidelight.events.exchanges import from_record
from sidelight.events.records import content_type_of
from sidelight.events.records import from_record as event_of
from sidelight.log.contract import Stored


def messages(stored: Stored, form: Literal["kserve", "exchange"]) -> list[http.HttpMessage]:
    """What to send for the record, in order; raises `MalformedPayload`.

    What is no exchange (feedback) goes as it is in both forms.
    """
    is_exchange = content_type_of(stored.record.headers) == EXCHANGE_CONTENT_TYPE
    if form == "kserve" and is_exchange:
        halves = kserve.to_events(from_record(stored.record), stored.appended_ns)
        return [kserve.to_http(half) for half in halves]
    return [http.to_binary(event_of(stored.record))]
