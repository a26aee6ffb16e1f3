"""One prediction as it happened: the request, the answer, and what is known of both.

Our log holds one CloudEvent an exchange, written when it ends (answered, failed, client gone).
KServe's two-event form is spoken at the edges only (`sidelight.events.kserve`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from sidelight.values import value

EXCHANGE_TYPE = "io.sidelight.exchange.v1"
EXCHANGE_CONTENT_TYPE = "application/vnd.sidelight.exchange"

PURPOSE_HEADER = "sidelight-purpose"
"""The request header by which Sidelight says that it asks itself (`sidelight.probes`)."""

Protocol = Literal["v1", "v2", "grpc", ""]
"""The inference protocol the path belongs to; empty when it is none we know."""

Outcome = Literal["answered", "unanswered", "abandoned", "unasked"]
"""answered: a whole response came back, whatever its status. unanswered: none came (predictor down,
broken, or only the request was captured). abandoned: the client left before the end. unasked: only
the response was captured (by a foreign logger)."""


@value()
class Body:
    """One side's bytes as they were on the wire, before any content decoding.

    `size` and `sha256` (hex) tell of the whole body also when `content` is only its beginning
    (`truncated`) or was kept away by policy. `json_length` is V2's
    ``Inference-Header-Content-Length``, None when the header was not sent.
    """

    content: bytes = b""
    content_type: str = ""
    content_encoding: str = ""
    json_length: int | None = None
    size: int = 0
    sha256: str = ""
    truncated: bool = False


@value()
class Exchange:
    """A request and its answer.

    `id` is minted by Sidelight (an id the client chooses would let it hide a query as a duplicate);
    the client's own ``Ce-Id`` or ``X-Request-Id`` is `correlation_id`. Records of one log carry
    `log_id` and a growing `sequence`, so a reader skips what it has seen.
    `time_ns` is when the request arrived, `duration_ns` until the last byte of the answer.
    `version` is the response's model version, else the revision label, else empty.
    `headers` are the request's, already reduced to what policy allows, names in lower case.
    """

    id: str
    source: str
    time_ns: int
    duration_ns: int
    method: str
    path: str
    protocol: Protocol
    model: str
    version: str
    status: int
    outcome: Outcome
    request: Body
    response: Body
    correlation_id: str = ""
    traceparent: str = ""
    tracestate: str = ""
    purpose: str = ""
    log_id: str = ""
    sequence: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    extensions: Mapping[str, str] = field(default_factory=dict)
    """KServe's own: inferenceservicename, namespace, component, endpoint, annotations."""
