"""From a caller that OpenTelemetry instruments, through the logger, to a collector."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
from opentelemetry.propagate import inject
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, TraceIdRatioBased

from tests.logger.captures import ANSWER
from tests.logger.collecting import collector, told
from tests.logger.commanding import PATH, model_server, running
from tests.logger.sinks import wait_until

WITHOUT_A_TRACE = {"X-Request-Id": "order-7"}


def test_the_span_of_a_prediction_is_a_child_of_the_callers(tmp_path: Path) -> None:
    tracer = TracerProvider(sampler=ParentBased(ALWAYS_ON)).get_tracer("test")
    unsampled = TracerProvider(sampler=TraceIdRatioBased(0.0)).get_tracer("test")
    with collector() as to, model_server() as model:
        sinks = json.dumps({"traces": {"url": to.url}})
        settings = {"SIDELIGHT_LOGGER__SINKS": sinks, "SIDELIGHT_LOGGER__INFERENCE_SERVICE": "s"}
        with running(tmp_path, "--upstream", model, **settings) as logger:
            address = f"http://{logger.address('traffic')}{PATH}"
            with tracer.start_as_current_span("asking") as asking:
                sent: dict[str, str] = {}
                inject(sent)
                assert httpx.post(address, content=b"{}", headers=sent).content == ANSWER
            with unsampled.start_as_current_span("not recorded"):
                unsent: dict[str, str] = {}
                inject(unsent)
                httpx.post(address, content=b"{}", headers=unsent)
            httpx.post(address, content=b"{}", headers=WITHOUT_A_TRACE)
            wait_until(lambda: len(to.spans) == 2, "the spans")
            wait_until(lambda: logger.metric("sink_waiting_records") == 0)
            assert logger.metric("sink_delivered_total") == 2
            assert logger.metric("sink_left_out_total") == 1
            assert logger.stop() == 0
        child, other = to.spans
        names = {told(resource.attributes)["service.name"] for resource, _ in to.told()}
    context = asking.get_span_context()
    assert int.from_bytes(child.trace_id) == context.trace_id
    assert int.from_bytes(child.parent_span_id) == context.span_id
    assert other.parent_span_id == b""
    assert told(other.attributes)["sidelight.correlation.id"] == "order-7"
    assert names == {"s"}
