"""Spans as a collector gets them: made of exchanges alone, in the caller's trace."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.trace import get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from sidelight.events import Exchange
from sidelight.events.exchanges import to_record
from sidelight.log import open_log, topics
from sidelight.log.contract import Log
from sidelight_logger.recorder.describing.description import Origin, describe
from sidelight_logger.shipper.traces.context import caller
from sidelight_logger.shipper.traces.spans import span
from tests.logger.captures import capture
from tests.logger.collecting import Collector, collector, told
from tests.logger.shipping import Shipper, shipping
from tests.logger.sinks import wait_until

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = f"00-{TRACE}-{PARENT}-01"
UNSAMPLED = f"00-{TRACE}-{PARENT}-00"
SECRET = "a-very-secret-value"
NAMES = {"inferenceservicename": "scores", "namespace": "prod", "component": "predictor"}


def exchange(number: int = 1, **headers: str) -> Exchange:
    """The name of a header has `_` for `-`."""
    sent = {name.replace("_", "-"): text for name, text in headers.items()}
    one = capture(headers=sent, body=SECRET.encode())
    found = describe(one, number, Origin("/test", "log-1", NAMES))
    assert found is not None
    return replace(found, headers={"x-secret": SECRET})


def test_the_span_is_the_exchange() -> None:
    one = exchange(X_Request_Id="r1")
    made = span(one)
    assert (made.name, made.kind) == ("infer income", Span.SPAN_KIND_SERVER)
    assert made.start_time_unix_nano == one.time_ns
    assert made.end_time_unix_nano - made.start_time_unix_nano == one.duration_ns
    assert told(made.attributes) == {
        "http.request.method": "POST",
        "url.path": "/v2/models/income/infer",
        "http.request.body.size": one.request.size,
        "http.response.body.size": one.response.size,
        "http.response.status_code": 200,
        "sidelight.exchange.id": one.id,
        "sidelight.correlation.id": "r1",
        "sidelight.protocol": "v2",
        "sidelight.model.name": "income",
        "sidelight.model.version": "3",
        "sidelight.outcome": "answered",
    }
    assert (len(made.trace_id), len(made.span_id), made.parent_span_id) == (16, 8, b"")
    assert span(one) == made


def test_it_is_a_child_of_the_callers_span() -> None:
    made = span(exchange(traceparent=SAMPLED, tracestate="a=1,b=2"))
    assert (made.trace_id.hex(), made.parent_span_id.hex()) == (TRACE, PARENT)
    assert (made.trace_state, made.flags) == ("a=1,b=2", 1)


def test_without_a_trace_the_request_id_is_the_trace() -> None:
    first = exchange()
    second = exchange(X_Request_Id=first.id)
    third = exchange(X_Request_Id=first.id, traceparent="00-broken")
    assert {span(one).trace_id for one in (first, second, third)} == {span(first).trace_id}
    assert len({span(one).span_id for one in (first, second, third)}) == 3


@pytest.mark.parametrize(
    ("status", "outcome", "failed"),
    [
        (200, "answered", False),
        (404, "answered", False),
        (500, "answered", True),
        (0, "unanswered", True),
        (0, "abandoned", False),
    ],
)
def test_what_the_server_failed_at_is_an_error(status: int, outcome: str, failed: bool) -> None:
    made = span(replace(exchange(), status=status, outcome=outcome))  # type: ignore[arg-type]
    assert (made.status.code == Status.STATUS_CODE_ERROR) is failed
    assert told(made.attributes).get("error.type") == (str(status or outcome) if failed else None)


@given(
    st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-x)?", fullmatch=True)
    | st.text(max_size=60)
    | st.sampled_from([SAMPLED, UNSAMPLED, f"00-{'0' * 32}-{PARENT}-01", SAMPLED.upper()])
)
def test_trace_context_is_read_as_opentelemetry_reads_it(header: str) -> None:
    context = TraceContextTextMapPropagator().extract({"traceparent": header})
    wanted = get_current_span(context).get_span_context()
    found = caller(header)
    assert (found is not None) == wanted.is_valid
    if found is not None:
        assert int.from_bytes(found.trace_id) == wanted.trace_id
        assert int.from_bytes(found.span_id) == wanted.span_id
        assert found.flags == wanted.trace_flags


def filled(folder: Path, exchanges: list[Exchange]) -> Log:
    log = open_log(folder / "log")
    log.append(topics.INFERENCE, [to_record(one) for one in exchanges])
    return log


def settings_of(folder: Path, to: Collector) -> dict[str, object]:
    return {"log.url": str(folder / "log"), "logger.sinks.spans.url": to.url}


def balanced(shipper: Shipper, count: int) -> bool:
    stats = shipper.stats
    return stats.accepted == count and stats.waiting == 0


def test_a_collector_gets_each_exchange_once_and_no_part_of_a_body(tmp_path: Path) -> None:
    exchanges = [exchange(number, traceparent=SAMPLED) for number in range(700)]
    log = filled(tmp_path, exchanges)
    with collector() as to:
        with shipping(tmp_path, settings_of(tmp_path, to), route="spans") as shipper:
            wait_until(lambda: balanced(shipper, 700))
            assert shipper.stats.delivered == 700
            assert shipper.stop() == 0
        assert len(to.requests) < 10
        names = {told(resource.attributes)["service.name"] for resource, _ in to.told()}
        assert names == {"scores"}
        ids = [told(one.attributes)["sidelight.exchange.id"] for one in to.spans]
    assert ids == [one.id for one in exchanges]
    assert SECRET.encode() not in to.raw
    log.close()


def test_what_the_caller_does_not_record_is_left_out_and_counted(tmp_path: Path) -> None:
    flags = [SAMPLED if number % 3 else UNSAMPLED for number in range(30)]
    log = filled(tmp_path, [exchange(n, traceparent=flag) for n, flag in enumerate(flags)])
    with collector() as to:
        with shipping(tmp_path, settings_of(tmp_path, to), route="spans") as shipper:
            wait_until(lambda: balanced(shipper, 30))
            assert (shipper.stats.delivered, shipper.stats.left_out) == (20, {"sampled": 10})
        assert len(to.spans) == 20
    log.close()


def test_a_collector_that_is_down_gets_them_later(tmp_path: Path) -> None:
    answers = iter([503, 429, 502])
    log = filled(tmp_path, [exchange(number) for number in range(20)])
    with collector(lambda request: next(answers, 200)) as to:
        with shipping(tmp_path, settings_of(tmp_path, to), route="spans") as shipper:
            wait_until(lambda: shipper.stats.delivered == 20)
            assert sum(shipper.stats.failures.values()) == 3
        assert len(to.spans) == 20
    log.close()


def test_one_span_that_is_refused_costs_no_other(tmp_path: Path) -> None:
    exchanges = [exchange(number) for number in range(40)]
    bad = exchanges[17].id

    def script(request: ExportTraceServiceRequest) -> int:
        return 400 if bad.encode() in request.SerializeToString() else 200

    log = filled(tmp_path, exchanges)
    with collector(script) as to:
        with shipping(tmp_path, settings_of(tmp_path, to), route="spans") as shipper:
            wait_until(lambda: balanced(shipper, 40))
            assert (shipper.stats.delivered, shipper.stats.dead_lettered) == (39, 1)
        assert len(to.spans) == 39
    log.close()


def test_spans_that_a_collector_rejects_in_part_are_told_and_not_sent_again(
    tmp_path: Path,
) -> None:
    log = filled(tmp_path, [exchange(number) for number in range(5)])
    with collector(rejected=2) as to:
        with shipping(tmp_path, settings_of(tmp_path, to), route="spans") as shipper:
            wait_until(lambda: balanced(shipper, 5))
            assert shipper.stop() == 0
            assert '"rejected": 2' in shipper.said()
        assert len(to.requests) == 1
    log.close()
