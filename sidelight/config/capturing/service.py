"""Settings of the payload logger."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from sidelight.config.capturing.kept import Capture, CaptureSettings
from sidelight.config.capturing.redact import RedactSettings
from sidelight.config.capturing.sinks import SinkSettings
from sidelight.config.section import Address, Section


class LoggerSettings(Section):
    """The payload logger: a proxy in front of one model server, and what it keeps."""

    listen: Address = "127.0.0.1:9081"
    """Address that clients call instead of the model server's."""
    metrics: Address = "127.0.0.1:9091"
    """Address of the logger's metrics and health."""
    upstream: str | None = None
    """The model server; the predictor's `url` when only one model has one."""
    grpc_listen: Address | None = None
    """Address that gRPC clients call instead of the model server's; `listen` takes them too."""
    grpc_upstream: str | None = None
    """The model server's gRPC, such as ``127.0.0.1:8081``; `upstream` when not set."""
    socket: Path | None = None
    """A unix socket to which loggers inside of model servers (the ASGI middleware) hand over what
    they captured. With it, `upstream` may be left out: then nothing is forwarded."""
    mode: Literal["all", "request", "response"] = "all"
    """Which bodies are kept."""
    max_body: int = Field(default=4 << 20, ge=0, le=(1 << 30) - 1)
    """Bytes of one body kept; the rest is cut, marked and counted. Forwarding has no limit."""
    buffer_bytes: int = Field(default=64 << 20, ge=1 << 16)
    """Bytes of captured exchanges waiting for the recorder; more are dropped and counted."""
    headers: tuple[str, ...] = ()
    """Request headers to keep (any case)."""
    capture: Capture = CaptureSettings()
    """How much is kept, of every model that does not say otherwise."""
    redact: RedactSettings = RedactSettings()
    return_request_id: bool = True
    """Answer with ``X-Request-Id`` when the client sent none, and with the ``traceparent`` that
    `trace_context` gave."""
    trace_context: Literal["pass", "sampled", "unsampled"] = "pass"
    """What a request without ``traceparent`` is given: nothing (pass), or one that makes
    instrumented servers record their spans (sampled) or keeps them from it (unsampled). One that
    the client sent goes on as it came."""
    quiet_seconds: float = Field(default=0.1, ge=0)
    """After SIGTERM requests are still taken until none has come for so long, at most for half of
    the proxy's share of the grace period. 30 in the place of KServe's agent, where Knative's
    queue-proxy sends requests on after SIGTERM."""
    inference_service: str = ""
    """KServe's name of the service, told to sinks with each event."""
    namespace: str = ""
    """Kubernetes namespace of the service, told likewise."""
    source: str = ""
    """Source of the events; ``http://localhost:PORT/`` of `listen` when empty, as KServe has it."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """KServe's metadata annotations, told to sinks with each event."""
    kserve_metrics: bool = False
    """Show the sinks' counters also under the names that KServe proposes
    (``kserve_logger_events_sent_total`` and others)."""
    component: str = "predictor"
    """KServe's name of the part that is logged, told likewise."""
    endpoint: str = ""
    """KServe's name of the revision (``default``, ``canary``), told likewise."""
    spool: Path = Path("sidelight.spool")
    """A folder that keeps exchanges until a log on Kafka has them; one for each logger."""
    spool_bytes: int = Field(default=8 << 30, ge=1 << 20)
    """Whole segments of the spool are dropped, oldest first, above this size, delivered or not."""
    sinks: dict[str, SinkSettings] = Field(default_factory=dict)
    """Places that exchanges are carried to, by a name of yours, each with a cursor of its own."""
