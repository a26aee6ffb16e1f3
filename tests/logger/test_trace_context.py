"""W3C trace context: what a request without one is given, and what spans are made of it."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from opentelemetry.propagate import inject
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

from sidelight.events import Exchange
from sidelight.events.ids import IdMint, id_text
from sidelight_logger.correlation import NO_IDS, Correlation, Ids, TraceContext
from sidelight_logger.recorder.describing.description import Origin, describe
from sidelight_logger.shipper.traces.context import caller
from sidelight_logger.shipper.traces.spans import span
from tests.logger.collecting import collector
from tests.logger.commanding import running
from tests.logger.grpc_running import INFER, Model, channel_to, model_server
from tests.logger.middleware_serving import logged, uvicorn_of
from tests.logger.proxy_running import (
    DummyRecorder,
    ScriptedServer,
    dummy_recorder,
    read_answer,
    running_proxy,
)
from tests.logger.sinks import wait_until
from tests.logger.tracing import Spans, predictor, transformer

PATH = "/v2/models/income/infer"
CLIENTS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ORIGIN = Origin("/test", "me")
GIVING: list[Literal["sampled", "unsampled"]] = ["sampled", "unsampled"]


def exchanges(recorder: DummyRecorder, count: int = 1) -> list[Exchange]:
    found = [describe(one, 1, ORIGIN) for one in recorder.wait(count)]
    return [one for one in found if one is not None]


def is_child(child: ReadableSpan, of: Span) -> bool:
    parent = child.parent
    return (
        parent is not None
        and parent.is_remote
        and parent.span_id == int.from_bytes(of.span_id)
        and parent.trace_id == int.from_bytes(of.trace_id)
    )


@contextlib.contextmanager
def proxied(app: Any, **settings: Any) -> Iterator[tuple[str, DummyRecorder]]:
    """The application behind a logger: its address."""
    with uvicorn_of(app) as server, dummy_recorder() as recorder:
        port = int(server.rpartition(":")[2])
        with running_proxy(port, recorder=recorder.path, **settings) as proxy:
            yield f"http://127.0.0.1:{proxy.address[1]}", recorder


# What is given


@pytest.mark.parametrize("context", GIVING)
def test_it_names_the_span_that_is_made_of_the_exchange(context: TraceContext) -> None:
    id_ = IdMint()()
    traceparent = Correlation(context).given(id_, NO_IDS).traceparent
    assert traceparent is not None
    found = caller(traceparent.decode())
    assert found is not None
    assert found.is_sampled is (context == "sampled")
    assert len(traceparent) == 55


def test_it_is_another_for_each_exchange_and_one_trace_for_a_request_id() -> None:
    mint, correlation = IdMint(), Correlation("sampled")
    first, second = (correlation.given(mint(), Ids(b"order-7")) for _ in range(2))
    other = correlation.given(mint(), NO_IDS)
    ids = [caller((one.traceparent or b"").decode()) for one in (first, second, other)]
    assert len({one.span_id for one in ids if one}) == 3
    assert [one.trace_id for one in ids if one].count(ids[0].trace_id if ids[0] else b"") == 2


def test_a_downstream_logger_meets_the_same_trace_by_the_request_id_alone() -> None:
    mint, correlation = IdMint(), Correlation("sampled")
    first = correlation.given(mint(), NO_IDS)
    second = correlation.given(mint(), Ids(first.request_id))
    assert second.request_id is None
    traces = {(one.traceparent or b"").split(b"-")[1] for one in (first, second)}
    assert len(traces) == 1


def test_trace_ids_are_random_enough_for_a_sampler() -> None:
    """An id of ours as it is would never be in a sample of 10 %: its highest bits are fixed."""
    mint = IdMint(random_bits=random.Random(7).getrandbits)
    correlation, sampler = Correlation("sampled"), TraceIdRatioBased(0.1)
    given = [correlation.given(mint(), NO_IDS).traceparent or b"" for _ in range(4000)]
    traces = [int(one.split(b"-")[1], 16) for one in given]
    sampled = sum(trace & (1 << 64) - 1 < sampler.bound for trace in traces)
    assert 300 < sampled < 500  # five deviations


@pytest.mark.parametrize("sent", [NO_IDS, Ids(b"mine"), Ids(None, CLIENTS.encode())])
def test_pass_never_gives_one(sent: Ids) -> None:
    assert Correlation("pass").given(IdMint()(), sent).traceparent is None


# HTTP/1


def test_the_wire_without_it_is_as_it_came(server: ScriptedServer) -> None:
    with running_proxy(server.port) as proxy:
        client = proxy.connect()
        client.send(b"GET /v2 HTTP/1.1\r\nHost: model\r\n\r\n")
        upstream = server.accept()
        assert b"traceparent" not in upstream.head().lower()
        upstream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        assert b"traceparent" not in client.head().lower()
        client.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"traceparent: " + CLIENTS.encode(),
        b"TraceParent: 00-broken",
        b"traceparent:",
        b"traceparent: " + CLIENTS.encode() + b"\r\ntraceparent: " + CLIENTS.encode(),
    ],
)
def test_a_clients_own_goes_on_byte_for_byte_also_when_it_is_none(
    server: ScriptedServer, sent: bytes
) -> None:
    head = b"GET /v2 HTTP/1.1\r\nHost: model\r\nX-Request-Id: 1\r\n" + sent + b"\r\n\r\n"
    with running_proxy(server.port, trace_context="sampled") as proxy:
        client = proxy.connect()
        client.send(head)
        upstream = server.accept()
        assert upstream.head() == head
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        upstream.send(answer)
        assert client.head() == answer
        client.close()


@pytest.mark.parametrize("returned", [True, False])
def test_both_sides_are_told_and_the_log(server: ScriptedServer, returned: bool) -> None:
    with (
        dummy_recorder() as recorder,
        running_proxy(
            server.port,
            recorder=recorder.path,
            trace_context="unsampled",
            return_request_id=returned,
        ) as proxy,
    ):
        client = proxy.connect()
        client.send(b"GET /v2/models/a/infer HTTP/1.1\r\nHost: model\r\n\r\n")
        upstream = server.accept()
        lines = upstream.head().split(b"\r\n")
        upstream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        answer = read_answer(client)
        (capture,) = recorder.wait(1)
        client.close()
    (line,) = (line for line in lines if line.lower().startswith(b"traceparent: "))
    told = line.partition(b": ")[2].decode()
    assert answer.header("traceparent") == (told if returned else None)
    assert answer.header("x-request-id") == (id_text(capture.id) if returned else None)
    assert f"traceparent: {told}\r\n\r\n".encode() in capture.request.head
    assert b"x-request-id" not in capture.request.head


def test_a_servers_own_answer_is_left_alone(server: ScriptedServer) -> None:
    with running_proxy(server.port, trace_context="sampled") as proxy:
        client = proxy.connect()
        client.send(b"GET / HTTP/1.1\r\nHost: model\r\nX-Request-Id: 1\r\n\r\n")
        upstream = server.accept()
        upstream.head()
        answer = b"HTTP/1.1 200 OK\r\ntraceparent: mine\r\nContent-Length: 0\r\n\r\n"
        upstream.send(answer)
        assert client.head() == answer
        client.close()


@pytest.mark.parametrize("returned", [True, False])
def test_a_refusal_tells_what_was_given_if_it_may(returned: bool) -> None:
    with running_proxy(1, trace_context="sampled", return_request_id=returned) as proxy:
        client = proxy.connect()
        client.send(b"GET /v2 HTTP/1.1\r\nHost: model\r\n\r\n")
        answer = read_answer(client)
        client.close()
    assert answer.status == 502
    assert (answer.header("traceparent") is not None) is returned
    assert (answer.header("x-request-id") is not None) is returned


# An instrumented server


@pytest.mark.parametrize("sent", [{}, {"X-Request-Id": "order-7"}])
def test_the_servers_span_is_a_child_of_the_one_made_of_the_exchange(
    sent: dict[str, str],
) -> None:
    spans = Spans()
    with proxied(predictor(spans), trace_context="sampled") as (address, recorder):
        httpx.post(address + PATH, headers=sent).raise_for_status()
        (exchange,) = exchanges(recorder)
    made = span(exchange)
    (serving,) = spans.finished()
    assert is_child(serving, made)
    assert (made.parent_span_id, made.flags) == (b"", 1)
    assert exchange.correlation_id == sent.get("X-Request-Id", "")


def test_unsampled_keeps_servers_from_recording() -> None:
    spans = Spans()
    with proxied(predictor(spans), trace_context="unsampled") as (address, recorder):
        httpx.post(address + PATH).raise_for_status()
        (exchange,) = exchanges(recorder)
    assert spans.finished() == []
    found = caller(exchange.traceparent)
    assert found is not None
    assert not found.is_sampled


def test_with_pass_a_server_decides_by_itself() -> None:
    spans = Spans()
    with proxied(predictor(spans)) as (address, recorder):
        httpx.post(address + PATH).raise_for_status()
        (exchange,) = exchanges(recorder)
    (serving,) = spans.finished()
    assert serving.parent is None
    assert exchange.traceparent == ""


def test_both_are_children_of_a_caller_that_sent_a_trace() -> None:
    """Nothing of the caller's is rewritten, so the server does not hear of the span between."""
    spans, clients = Spans(), Spans()
    with proxied(predictor(spans), trace_context="sampled") as (address, recorder):
        with clients.tracer.start_as_current_span("asking") as asking:
            sent: dict[str, str] = {}
            inject(sent)
            answer = httpx.post(address + PATH, headers=sent)
        (exchange,) = exchanges(recorder)
    made, (serving,) = span(exchange), spans.finished()
    context = asking.get_span_context()
    assert serving.parent is not None
    assert serving.parent.span_id == int.from_bytes(made.parent_span_id) == context.span_id
    assert int.from_bytes(made.trace_id) == context.trace_id
    assert "traceparent" not in answer.headers


# Transformer and predictor, a logger before each


@contextlib.contextmanager
def chain(
    front: Spans, behind: Spans, passed_on: tuple[str, ...] = ()
) -> Iterator[tuple[str, DummyRecorder, DummyRecorder]]:
    with proxied(predictor(behind), trace_context="sampled") as (inner, at_predictor):
        app = transformer(front, inner, passed_on)
        with proxied(app, trace_context="sampled") as (address, at_transformer):
            yield address, at_transformer, at_predictor


def test_two_loggers_in_a_row_are_one_tree() -> None:
    front, behind = Spans(), Spans()
    with chain(front, behind) as (address, at_transformer, at_predictor):
        httpx.post(address + PATH).raise_for_status()
        (first,), (second,) = exchanges(at_transformer), exchanges(at_predictor)
    asking, serving = front.finished()
    (predicting,) = behind.finished()
    root, child = span(first), span(second)
    assert is_child(serving, root)
    assert asking.context is not None
    assert int.from_bytes(child.parent_span_id) == asking.context.span_id
    assert predicting.parent is not None
    assert predicting.parent.span_id == asking.context.span_id
    assert root.trace_id == child.trace_id


def test_they_are_one_trace_also_where_only_the_request_id_is_passed_on() -> None:
    """As KServe's SDK does."""
    front, behind = Spans(), Spans()
    kserves = ("x-request-id", "x-b3-traceid", "authorization")
    with chain(front, behind, kserves) as (address, at_transformer, at_predictor):
        httpx.post(address + PATH).raise_for_status()
        (first,), (second,) = exchanges(at_transformer), exchanges(at_predictor)
    assert second.correlation_id == first.id
    assert span(first).trace_id == span(second).trace_id
    assert is_child(front.finished()[0], span(first))
    assert is_child(behind.finished()[0], span(second))


# gRPC


def test_a_call_is_told_in_its_metadata() -> None:
    model, spans = Model(), Spans()
    with (
        model_server(model) as port,
        dummy_recorder() as recorder,
        running_proxy(port, recorder=recorder.path, trace_context="sampled") as proxy,
        channel_to(proxy.address) as channel,
    ):
        calls = [channel.unary_unary(INFER).with_call(b"")[1] for _ in range(3)]
        sent = (("traceparent", CLIENTS),)
        _, own = channel.unary_unary(INFER).with_call(b"", metadata=sent)
        found = exchanges(recorder, 4)
    *given, passed = model.metadata
    for exchange, metadata, call in zip(found, given, calls, strict=False):
        with spans.serving(metadata):
            pass
        assert is_child(spans.finished()[-1], span(exchange))
        assert dict(call.initial_metadata())["traceparent"] == metadata["traceparent"]
    assert len({metadata["traceparent"] for metadata in given}) == 3
    assert passed["traceparent"] == found[-1].traceparent == CLIENTS
    assert "traceparent" not in dict(own.initial_metadata())


def test_a_call_is_told_nothing_with_pass() -> None:
    model = Model()
    with (
        model_server(model) as port,
        running_proxy(port) as proxy,
        channel_to(proxy.address) as channel,
    ):
        _, call = channel.unary_unary(INFER).with_call(b"")
    assert "traceparent" not in model.metadata[0]
    assert "traceparent" not in dict(call.initial_metadata())


# The middleware


@pytest.mark.parametrize("returned", [True, False])
def test_the_middleware_gives_one_to_its_application(returned: bool) -> None:
    spans = Spans()
    app = predictor(spans)
    with logged(app, trace_context="sampled", return_request_id=returned) as served:
        answer = served.client.post(PATH)
        (exchange,) = exchanges(served.recorder)
    assert is_child(spans.finished()[0], span(exchange))
    assert answer.headers.get("traceparent") == (exchange.traceparent if returned else None)


def test_the_middleware_leaves_a_callers_alone() -> None:
    with logged(predictor(Spans()), trace_context="sampled") as served:
        answer = served.client.post(PATH, headers={"traceparent": CLIENTS})
        (exchange,) = exchanges(served.recorder)
    assert exchange.traceparent == CLIENTS
    assert "traceparent" not in answer.headers
    assert answer.headers["x-request-id"] == exchange.id


# The command


def test_the_setting_reaches_the_proxy_and_its_spans_the_collector(tmp_path: Path) -> None:
    spans = Spans()
    with uvicorn_of(predictor(spans)) as server, collector() as to:
        settings = {
            "SIDELIGHT_LOGGER__SINKS": json.dumps({"traces": {"url": to.url}}),
            "SIDELIGHT_LOGGER__TRACE_CONTEXT": "sampled",
            "SIDELIGHT_LOGGER__REDACT": json.dumps({"patterns": ["[0-9]{3,}"]}),
        }
        with running(tmp_path, "--upstream", server, **settings) as logger:
            answer = httpx.post(f"http://{logger.address('traffic')}{PATH}", timeout=30)
            wait_until(lambda: len(to.spans) == 1, "the span")
            assert logger.stop() == 0
        (made,) = to.spans
    (serving,) = spans.finished()
    assert is_child(serving, made)
    assert made.parent_span_id == b""
    found = caller(answer.headers["traceparent"])
    assert found is not None
    assert (found.trace_id, found.span_id) == (made.trace_id, made.span_id)
