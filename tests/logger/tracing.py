"""Model servers that OpenTelemetry instruments, with its own propagator and SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
from fastapi import FastAPI, Request, Response
from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import DEFAULT_ON, Sampler
from opentelemetry.trace import SpanKind

from tests.logger.captures import ANSWER


class Spans:
    """What an instrumented process has recorded."""

    def __init__(self, sampler: Sampler = DEFAULT_ON) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(sampler=sampler)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = provider.get_tracer("test")

    def finished(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    def serving(self, headers: Mapping[str, str]) -> Any:
        """The span of a request, as OpenTelemetry's instrumentation of servers begins it."""
        context = extract(headers)
        return self.tracer.start_as_current_span("serve", context, kind=SpanKind.SERVER)


def predictor(spans: Spans) -> FastAPI:
    """Answers every request, within a span."""
    app = FastAPI()

    @app.post("/{path:path}")
    async def infer(request: Request) -> Response:
        with spans.serving(request.headers):
            return Response(ANSWER, media_type="application/json")

    return app


def transformer(spans: Spans, predictor: str, passed_on: tuple[str, ...] = ()) -> FastAPI:
    """Asks the predictor, within a span and a span of its own for that; or, where headers are
    named, as KServe's SDK does, which passes on those that it knows and nothing else."""
    app = FastAPI()

    @app.post("/{path:path}")
    async def infer(request: Request) -> Response:
        sent = {name: request.headers[name] for name in passed_on if name in request.headers}
        with spans.serving(request.headers):
            if not passed_on:
                with spans.tracer.start_as_current_span("ask", kind=SpanKind.CLIENT):
                    inject(sent)
            async with httpx.AsyncClient(timeout=10) as client:
                answer = await client.post(predictor + request.url.path, headers=sent)
            return Response(answer.content, media_type="application/json")

    return app
