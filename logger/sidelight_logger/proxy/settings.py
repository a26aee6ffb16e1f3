"""What the proxy is told: its upstream, its recorder, its limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sidelight.upstreams import Upstream
from sidelight_logger.correlation import TraceContext
from sidelight_logger.proxy.readiness import Probe


@dataclass(frozen=True)
class Limits:
    """Bounds on what a peer may send and how long it may take. None of them cuts a slow model:
    once a request is there, its answer may take as long as it takes."""

    head_bytes: int = 64 << 10
    """A request or response head, and a trailer section."""
    head_fields: int = 256
    head_seconds: float = 30.0
    """From the first byte of a request head to its last."""
    stall_seconds: float = 120.0
    """How long a client may send nothing of a body it owes, or take nothing of its answer."""
    idle_seconds: float = 300.0
    """How long a client may keep a connection without a request."""
    upstream_idle_seconds: float = 4.0
    """How long a connection to the model server waits for the next request; uvicorn closes its
    own after 5."""
    connect_seconds: float = 5.0
    linger_seconds: float = 2.0
    """How long a client may still send after its last answer, so that the answer is not lost."""
    streams: int = 16_384
    """Calls under way on one HTTP/2 connection; the model server's own limit is told to clients."""
    grace_seconds: float = 10.0
    """How long exchanges in flight may take to end after SIGTERM."""
    quiet_seconds: float = 0.1
    """After SIGTERM the door stays open until nobody has come for so long."""


@dataclass(frozen=True)
class ProxySettings:
    """All of it. Without a `recorder` (a unix socket) nothing is captured."""

    upstream: Upstream
    """Requests of HTTP/1 go there."""
    recorder: Path | None = None
    max_body: int = 4 << 20
    """Bytes of one body captured."""
    buffer_bytes: int = 64 << 20
    """Captured bytes held at most, in flight and waiting for the recorder."""
    return_request_id: bool = True
    limits: Limits = field(default_factory=Limits)
    grpc_upstream: Upstream | None = None
    """Connections of HTTP/2 go there; to `upstream` when it is not set."""
    probes: tuple[Probe, ...] = ()
    """What must pass for kubelet's question to KServe's agent to be answered with yes."""
    trace_context: TraceContext = "pass"
    """What a request without ``traceparent`` is given."""
