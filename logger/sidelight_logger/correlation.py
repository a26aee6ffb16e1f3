"""What joins an exchange to others: a request id, and a W3C trace context.

A request that comes without one is given it on its way to the model server. Both are derived from
ids that the recorder knows anyway, so that a span which is made of the exchange later is the one
that the server was told of. They are hashed, because a sampler may take a trace id for random.

Source: https://www.w3.org/TR/trace-context/ section 3.2.
"""

from __future__ import annotations

import hashlib
from typing import Literal, NamedTuple

from sidelight.events.ids import id_text

REQUEST_ID = b"x-request-id"
TRACEPARENT = b"traceparent"

TraceContext = Literal["pass", "sampled", "unsampled"]

_FLAGS: dict[TraceContext, str] = {"pass": "", "sampled": "01", "unsampled": "00"}


class Ids(NamedTuple):
    """Of a head that was read, or given to one; None for what it has not."""

    request_id: bytes | None = None
    traceparent: bytes | None = None

    def missing_in(self, head: Ids) -> list[tuple[bytes, bytes]]:
        """The fields that the head lacks, names in lower case."""
        fields = []
        if self.request_id is not None and head.request_id is None:
            fields.append((REQUEST_ID, self.request_id))
        if self.traceparent is not None and head.traceparent is None:
            fields.append((TRACEPARENT, self.traceparent))
        return fields

    def captured(self, head: bytes) -> bytes:
        """The request's head as it is captured: with the trace it was given, but not the id, which
        is the exchange's own."""
        if self.traceparent is None:
            return head
        return b"%b%b: %b\r\n\r\n" % (head[:-2], TRACEPARENT, self.traceparent)


NO_IDS = Ids()


class Correlation:
    """Gives requests what they lack."""

    def __init__(self, trace_context: TraceContext) -> None:
        self._flags = _FLAGS[trace_context]

    def given(self, id_: bytes, sent: Ids) -> Ids:
        """To the request of the exchange `id_`, of which the client sent these."""
        request_id = id_text(id_).encode() if sent.request_id is None else None
        if self._flags and sent.traceparent is None:
            return Ids(request_id, self._traceparent(id_text(id_), sent.request_id))
        return NO_IDS if request_id is None else Ids(request_id)

    def _traceparent(self, own: str, request_id: bytes | None) -> bytes:
        trace = trace_id(request_id.decode("latin-1") if request_id else own)
        return f"00-{trace.hex()}-{span_id(own).hex()}-{self._flags}".encode()


def trace_id(request_id: str) -> bytes:
    """16 bytes, the same for all exchanges that have the request id."""
    return hashlib.blake2b(request_id.encode(), digest_size=16).digest()


def span_id(exchange_id: str) -> bytes:
    """8 bytes, of this exchange alone."""
    return hashlib.blake2b(exchange_id.encode(), digest_size=8).digest()
