"""Real gRPC clients and servers with the proxy between them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest

from sidelight.events.ids import id_text
from sidelight.upstreams import Upstream
from sidelight_logger.recorder.describing.description import Origin, describe
from tests.logger.grpc_running import INFER, SERVICE, Model, channel_to, model_server
from tests.logger.proxy_running import (
    PATIENCE_SECONDS,
    DummyRecorder,
    RunningProxy,
    ScriptedServer,
    read_answer,
    running_proxy,
    wait_until,
)

ORIGIN = Origin("http://localhost:9081/", "log-1")
MESSAGE = b"\x0a\x06income\x12\x012\x1a\x01i" + b"\x2a\x04rows"
"""A ``ModelInferRequest`` with a model, a version, an id and bytes."""


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def proxy(model: Model, recorder: DummyRecorder) -> Iterator[RunningProxy]:
    with (
        model_server(model) as port,
        running_proxy(port, recorder=recorder.path, max_body=100_000) as running,
    ):
        yield running


@pytest.fixture
def channel(proxy: RunningProxy) -> Iterator[Any]:
    with channel_to(proxy.address) as channel:
        yield channel


def test_a_call_passes_with_its_metadata_deadline_and_trailers(channel: Any, model: Model) -> None:
    sent = (("team", "a"), ("trace-bin", b"\xff\0"))
    answer, call = channel.unary_unary(INFER).with_call(b"rows", metadata=sent, timeout=60)
    assert answer == b"rows"
    assert model.metadata[0].items() >= dict(sent).items()
    assert 50 < model.seconds_left[0] <= 60
    assert dict(call.initial_metadata())["served-by"] == "model"
    assert dict(call.trailing_metadata()) == {"cost-bin": b"\0\1", "rows": "1"}
    assert call.code() is grpc.StatusCode.OK


def test_a_call_is_captured_as_one_exchange(channel: Any, recorder: DummyRecorder) -> None:
    channel.unary_unary(INFER)(MESSAGE, metadata=(("traceparent", "00-a-b-01"),))
    (capture,) = recorder.wait(1)
    frame = b"\0" + len(MESSAGE).to_bytes(4, "big") + MESSAGE
    assert (capture.request.body, capture.response.body) == (frame, frame)
    assert b"rows: 1\r\n" in capture.response.head  # a trailer
    exchange = describe(capture, 1, ORIGIN)
    assert exchange is not None
    assert (exchange.protocol, exchange.method, exchange.path) == ("grpc", "POST", INFER)
    assert (exchange.model, exchange.version) == ("income", "2")
    assert (exchange.status, exchange.outcome) == (200, "answered")
    assert exchange.request.content_type == "application/grpc"
    assert exchange.traceparent == "00-a-b-01"


def test_the_id_of_the_exchange_is_told_to_both_sides(
    channel: Any, model: Model, recorder: DummyRecorder
) -> None:
    _, call = channel.unary_unary(INFER).with_call(b"")
    (capture,) = recorder.wait(1)
    assert model.metadata[0]["x-request-id"] == id_text(capture.id)
    assert dict(call.initial_metadata())["x-request-id"] == id_text(capture.id)


def test_a_clients_own_id_is_left_alone(
    channel: Any, model: Model, recorder: DummyRecorder
) -> None:
    _, call = channel.unary_unary(INFER).with_call(b"", metadata=(("x-request-id", "mine"),))
    assert model.metadata[0]["x-request-id"] == "mine"
    assert "x-request-id" not in dict(call.initial_metadata())
    exchange = describe(recorder.wait(1)[0], 1, ORIGIN)
    assert exchange is not None
    assert exchange.correlation_id == "mine"


def test_the_answer_says_no_id_when_it_shall_not(model: Model) -> None:
    with (
        model_server(model) as port,
        running_proxy(port, return_request_id=False) as proxy,
        channel_to(proxy.address) as channel,
    ):
        _, call = channel.unary_unary(INFER).with_call(b"")
    assert "x-request-id" in model.metadata[0]
    assert "x-request-id" not in dict(call.initial_metadata())


@pytest.mark.parametrize("size", [0, 1, 16_384, 70_000, 3_000_000])
def test_messages_of_any_size_pass(channel: Any, recorder: DummyRecorder, size: int) -> None:
    message = bytes(range(256)) * (size // 256 + 1)
    assert channel.unary_unary(INFER)(message[:size]) == message[:size]
    (capture,) = recorder.wait(1)
    for side in (capture.request, capture.response):
        assert side.size == size + 5
        assert side.body[5:] == message[:size][: 100_000 - 5]


def test_compressed_messages_pass_and_are_read(channel: Any, recorder: DummyRecorder) -> None:
    gzip = grpc.Compression.Gzip
    channel.unary_unary(INFER)(MESSAGE + b"\x2a\x64" + b"x" * 100, compression=gzip)
    exchange = describe(recorder.wait(1)[0], 1, ORIGIN)
    assert exchange is not None
    assert (exchange.request.content_encoding, exchange.model) == ("gzip", "income")


def test_a_failed_call_tells_the_same_failure_and_keeps_its_code(
    channel: Any, recorder: DummyRecorder
) -> None:
    with pytest.raises(grpc.RpcError) as failure:
        channel.unary_unary(f"{SERVICE}Fail")(b"rows")
    assert failure.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert failure.value.details() == "4 features, not 3 \u2013 sent"
    exchange = describe(recorder.wait(1)[0], 1, ORIGIN)
    assert exchange is not None
    assert (exchange.status, exchange.outcome) == (400, "answered")
    assert exchange.extensions == {"grpcstatus": "3"}


def test_a_deadline_that_passes_ends_the_call_on_both_sides(
    channel: Any, model: Model, recorder: DummyRecorder
) -> None:
    with pytest.raises(grpc.RpcError) as failure:
        channel.unary_unary(f"{SERVICE}Wait")(b"", timeout=0.2)
    assert failure.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert model.cancelled.wait(PATIENCE_SECONDS)
    assert recorder.wait(1)[0].response.body == b""


def test_a_call_that_is_cancelled_is_abandoned(
    channel: Any, model: Model, recorder: DummyRecorder
) -> None:
    call = channel.unary_unary(f"{SERVICE}Wait").future(b"rows", wait_for_ready=True)
    assert model.called.wait(PATIENCE_SECONDS)
    call.cancel()
    assert model.cancelled.wait(PATIENCE_SECONDS)
    assert recorder.wait(1)[0].outcome == "abandoned"


def test_messages_of_a_stream_pass_as_they_come_and_are_captured_as_one(
    channel: Any, recorder: DummyRecorder
) -> None:
    first_is_back = threading.Event()

    def asked() -> Iterator[bytes]:
        yield b"one"
        assert first_is_back.wait(PATIENCE_SECONDS)
        yield b"two"

    answers = channel.stream_stream(f"{SERVICE}ModelStreamInfer")(asked())
    assert next(answers) == b"one"
    first_is_back.set()
    assert list(answers) == [b"two"]
    (capture,) = recorder.wait(1)
    both = b"\0\0\0\0\3one\0\0\0\0\3two"
    assert (capture.request.body, capture.response.body) == (both, both)
    exchange = describe(capture, 1, ORIGIN)
    assert exchange is not None
    assert exchange.protocol == "grpc"


@pytest.mark.parametrize(
    "path", ["/grpc.health.v1.Health/Check", f"{SERVICE}ServerLive", f"{SERVICE}ModelReady"]
)
def test_questions_after_the_server_pass_and_are_no_exchanges(
    channel: Any, recorder: DummyRecorder, path: str
) -> None:
    assert channel.unary_unary(path)(b"") == b""
    assert describe(recorder.wait(1)[0], 1, ORIGIN) is None


def test_many_calls_at_a_time_share_a_connection(
    channel: Any, proxy: RunningProxy, recorder: DummyRecorder
) -> None:
    calls = [channel.unary_unary(INFER).future(b"%d" % number) for number in range(200)]
    assert [call.result() for call in calls] == [b"%d" % number for number in range(200)]
    captures = recorder.wait(200)
    assert len({capture.id for capture in captures}) == 200
    assert all(capture.request.body == capture.response.body for capture in captures)
    assert proxy.stats.client_connections == proxy.stats.upstream_connections == 1
    wait_until(lambda: proxy.stats.waiting == 0)
    assert proxy.stats.accepted == 200


def test_the_servers_own_limit_of_messages_is_told_by_the_server(
    model: Model, recorder: DummyRecorder
) -> None:
    with (
        model_server(model, max_receive_message_length=1000) as port,
        running_proxy(port, recorder=recorder.path) as proxy,
        channel_to(proxy.address) as channel,
    ):
        with pytest.raises(grpc.RpcError) as failure:
            channel.unary_unary(INFER)(b"x" * 2000)
        assert failure.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        exchange = describe(recorder.wait(1)[0], 1, ORIGIN)
    assert exchange is not None
    assert exchange.status == 429


def test_http_1_and_http_2_share_a_port_and_each_has_its_server(model: Model) -> None:
    server = ScriptedServer()
    with (
        model_server(model) as port,
        running_proxy(server.port, grpc_upstream=Upstream("127.0.0.1", port)) as proxy,
        channel_to(proxy.address) as channel,
    ):
        assert channel.unary_unary(INFER)(b"two") == b"two"
        client = proxy.connect()
        client.send(b"GET / HTTP/1.1\r\nHost: model\r\n\r\n")
        upstream = server.accept()
        upstream.head()
        upstream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none")
        assert read_answer(client).body == b"one"
        client.close()
    server.close()


def test_no_model_server_is_told_as_such_and_found_again_when_it_comes(model: Model) -> None:
    nobody = ScriptedServer()
    nobody.close()
    with running_proxy(nobody.port) as proxy, channel_to(proxy.address) as channel:
        call = channel.unary_unary(INFER)
        with pytest.raises(grpc.RpcError) as failure:
            call(b"rows", timeout=PATIENCE_SECONDS)
        assert failure.value.code() is grpc.StatusCode.UNAVAILABLE
        assert "HTTP status 502" in failure.value.details()
        assert 1 <= proxy.stats.upstream_failures < 10
        with model_server(model, port=nobody.port):
            assert call(b"rows", wait_for_ready=True, timeout=PATIENCE_SECONDS) == b"rows"
