"""A collector that takes spans as OTLP over HTTP says, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.logger.serving import Handler, HttpServer

Script = Callable[[ExportTraceServiceRequest], int]
"""The status of the answer."""


class Collector(HttpServer):
    """Keeps the spans it answered with 200; `rejected` is what it says of each request."""

    def __init__(self, script: Script, rejected: int) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.raw = b""
        self.headers: dict[str, str] = {}
        super().__init__(self._handler(script, rejected))

    @property
    def url(self) -> str:
        return f"otlp+http://{self.address}/v1/traces"

    @property
    def spans(self) -> list[Span]:
        return [one for _, one in self.told()]

    def told(self) -> list[tuple[Resource, Span]]:
        return [
            (of_service.resource, one)
            for request in self.requests
            for of_service in request.resource_spans
            for scope in of_service.scope_spans
            for one in scope.spans
        ]

    def _handler(self, script: Script, rejected: int) -> type[Handler]:
        collector = self

        class Collecting(Handler):
            def do_POST(self) -> None:
                content = self.body()
                collector.raw += content
                collector.headers = {name.lower(): text for name, text in self.headers.items()}
                right = self.headers["content-type"] == "application/x-protobuf"
                request = ExportTraceServiceRequest.FromString(content)
                known = right and self.path == "/v1/traces"
                status = script(request) if known else 404
                if status == 200:
                    collector.requests.append(request)
                self._answer(status)

            def _answer(self, status: int) -> None:
                partial = ExportTracePartialSuccess(rejected_spans=rejected)
                told = ExportTraceServiceResponse(partial_success=partial) if rejected else None
                content = told.SerializeToString() if told else b""
                self.send_response(status)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        return Collecting


@contextmanager
def collector(script: Script = lambda request: 200, rejected: int = 0) -> Iterator[Collector]:
    running = Collector(script, rejected)
    running.start()
    try:
        yield running
    finally:
        running.stop()


def told(attributes: Iterable[KeyValue]) -> dict[str, str | int]:
    """Attributes by name."""
    return {
        one.key: one.value.string_value
        if one.value.WhichOneof("value") == "string_value"
        else one.value.int_value
        for one in attributes
    }
