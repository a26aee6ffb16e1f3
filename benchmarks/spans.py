"""How many spans a second a shipper makes, beside OpenTelemetry's SDK making and exporting its own.

    python -m benchmarks.spans [--spans 20000]

Ours: records of the log to the bytes of export requests of 500. The SDK's: a span with the same
attributes started, ended, and encoded by its OTLP exporter's encoder, 500 at once. CPU time of
one thread.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

from sidelight.events.exchange import Body, Exchange
from sidelight.events.exchanges import from_record, to_record
from sidelight.log.contract import Record
from sidelight_logger.shipper.traces.spans import export_request

AT_ONCE = 500
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TOLD: dict[str, str | int] = {
    "http.request.method": "POST",
    "url.path": "/v2/models/income/infer",
    "http.request.body.size": 1024,
    "http.response.body.size": 1024,
    "http.response.status_code": 200,
    "sidelight.exchange.id": "0192f0c4-0000-7000-8000-000000000000",
    "sidelight.protocol": "v2",
    "sidelight.model.name": "income",
    "sidelight.model.version": "3",
    "sidelight.outcome": "answered",
}


def record(number: int) -> Record:
    body = Body(bytes(1024), "application/json", size=1024)
    one = Exchange(
        id=f"0192f0c4-0000-7000-8000-{number:012d}",
        source="/benchmark",
        time_ns=1_790_000_000 * 10**9,
        duration_ns=1_500_000,
        method="POST",
        path="/v2/models/income/infer",
        protocol="v2",
        model="income",
        version="3",
        status=200,
        outcome="answered",
        request=body,
        response=body,
        traceparent=TRACEPARENT,
        log_id="log",
        sequence=number,
    )
    return to_record(one)


class Encoding(SpanExporter):
    """Encodes what it is given and sends nothing."""

    def __init__(self) -> None:
        self._held: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._held += spans
        if len(self._held) >= AT_ONCE:
            encode_spans(self._held).SerializeToString()
            self._held.clear()
        return SpanExportResult.SUCCESS


def ours(records: Sequence[Record]) -> None:
    for start in range(0, len(records), AT_ONCE):
        batch = records[start : start + AT_ONCE]
        export_request(map(from_record, batch)).SerializeToString()


def theirs(count: int) -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(Encoding()))
    tracer = provider.get_tracer("benchmark")
    for _ in range(count):
        tracer.start_span("infer income", attributes=TOLD).end()


def per_second(work: Callable[[], None], spans: int) -> float:
    began = time.thread_time()
    work()
    return spans / (time.thread_time() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=20_000)
    count: int = parser.parse_args().spans
    records = [record(number) for number in range(count)]
    print("python -m benchmarks.spans")
    own = per_second(lambda: ours(records), count)
    print(f"{'from records of the log':34}{own:12,.0f} spans/s{1e6 / own:8.1f} us CPU each")
    sdk = per_second(lambda: theirs(count), count)
    print(f"{'OpenTelemetry SDK and encoder':34}{sdk:12,.0f} spans/s{1e6 / sdk:8.1f} us CPU each")
    print(f"{'ratio':34}{own / sdk:12.2f}")


if __name__ == "__main__":
    main()
