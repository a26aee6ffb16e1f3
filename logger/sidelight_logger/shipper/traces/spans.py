"""Exchanges as OpenTelemetry spans, made after the fact: no part of a body, no header.

Ids are hashes of the exchange's, so that a span which is sent twice is one span. Where the caller
sent no trace context, the trace is that of the request id: transformer, predictor and explainer,
which pass on ``X-Request-Id``, meet in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from sidelight import __version__
from sidelight.events.exchange import Exchange
from sidelight.protocols.routes import route
from sidelight_logger.correlation import span_id, trace_id
from sidelight_logger.shipper.traces.context import caller

_SCOPE = InstrumentationScope(name="sidelight", version=__version__)
_RESOURCE = {
    "inferenceservicename": "service.name",
    "namespace": "service.namespace",
    "component": "sidelight.component",
    "endpoint": "sidelight.endpoint",
}
"""What KServe calls the service, and OpenTelemetry."""
_UNNAMED = "model-server"


def export_request(exchanges: Iterable[Exchange]) -> ExportTraceServiceRequest:
    """The spans of the exchanges, under one resource for each service."""
    by_service: dict[tuple[tuple[str, str], ...], list[Span]] = {}
    for exchange in exchanges:
        key = tuple(_resource(exchange).items())
        by_service.setdefault(key, []).append(span(exchange))
    return ExportTraceServiceRequest(
        resource_spans=[
            ResourceSpans(
                resource=Resource(attributes=_attributes(dict(key))),
                scope_spans=[ScopeSpans(scope=_SCOPE, spans=spans)],
            )
            for key, spans in by_service.items()
        ]
    )


def span(exchange: Exchange) -> Span:
    """The server's side of a call, a child of the caller's span where it sent one. Where the logger
    gave the request a trace, this is the span that it named as the parent of the server's."""
    own = span_id(exchange.id)
    parent = caller(exchange.traceparent)
    return Span(
        trace_id=parent.trace_id if parent else trace_id(exchange.correlation_id or exchange.id),
        span_id=own,
        parent_span_id=parent.span_id if parent and parent.span_id != own else b"",
        trace_state=exchange.tracestate if parent else "",
        flags=parent.flags if parent else 0,
        name=_name(exchange),
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=exchange.time_ns,
        end_time_unix_nano=exchange.time_ns + exchange.duration_ns,
        attributes=_attributes(dict(_told(exchange))),
        status=Status(code=Status.STATUS_CODE_ERROR) if _failed(exchange) else None,
    )


def _name(exchange: Exchange) -> str:
    """What is asked of which model; of a path that is no route no more than the method."""
    verb = route(exchange.method, exchange.path).verb
    return f"{verb} {exchange.model}" if verb and exchange.model else exchange.method


def _failed(exchange: Exchange) -> bool:
    """A server's span is an error when the server failed, not when the client did."""
    return exchange.status >= 500 or exchange.outcome == "unanswered"


def _told(exchange: Exchange) -> Iterator[tuple[str, str | int]]:
    yield "http.request.method", exchange.method
    yield "url.path", exchange.path
    yield "http.request.body.size", exchange.request.size
    yield "http.response.body.size", exchange.response.size
    if exchange.status:
        yield "http.response.status_code", exchange.status
    if _failed(exchange):
        yield "error.type", str(exchange.status or exchange.outcome)
    if code := exchange.extensions.get("grpcstatus"):
        yield "rpc.system", "grpc"
        yield "rpc.grpc.status_code", int(code) if code.isdigit() else code
    ours = {
        "exchange.id": exchange.id,
        "correlation.id": exchange.correlation_id,
        "protocol": exchange.protocol,
        "model.name": exchange.model,
        "model.version": exchange.version,
        "outcome": exchange.outcome,
    }
    for name, text in ours.items():
        if text:
            yield f"sidelight.{name}", text


def _resource(exchange: Exchange) -> dict[str, str]:
    told = {_RESOURCE[key]: exchange.extensions.get(key, "") for key in _RESOURCE}
    told["service.name"] = told["service.name"] or _UNNAMED
    told["service.instance.id"] = exchange.log_id or exchange.source
    return {name: text for name, text in told.items() if text}


def _attributes(told: Mapping[str, str | int]) -> list[KeyValue]:
    return [KeyValue(key=name, value=_value(value)) for name, value in told.items()]


def _value(value: str | int) -> AnyValue:
    return AnyValue(string_value=value) if isinstance(value, str) else AnyValue(int_value=value)
