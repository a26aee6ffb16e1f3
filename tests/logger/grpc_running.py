"""A real gRPC server to stand behind the proxy, and channels to it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc  # type: ignore[import-untyped]

from tests.logger.proxy_running import PATIENCE_SECONDS

SERVICE = "/inference.GRPCInferenceService/"
INFER = f"{SERVICE}ModelInfer"
UNBOUNDED = {
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
    "grpc.use_local_subchannel_pool": 1,
}


class Model(grpc.GenericRpcHandler):  # type: ignore[misc] # grpc has no types
    """Echoes; what it saw of the calls stays."""

    def __init__(self) -> None:
        self.metadata: list[dict[str, Any]] = []
        self.seconds_left: list[float] = []
        self.called = threading.Event()
        self.cancelled = threading.Event()
        self.release = threading.Event()

    def service(self, details: Any) -> Any:
        name = details.method.rpartition("/")[2]
        if name == "ModelStreamInfer":
            return grpc.stream_stream_rpc_method_handler(self._stream)
        return grpc.unary_unary_rpc_method_handler(getattr(self, f"_{name.lower()}", self._echo))

    def _echo(self, message: bytes, context: Any) -> bytes:
        self.metadata.append(dict(context.invocation_metadata()))
        self.seconds_left.append(context.time_remaining())
        context.send_initial_metadata((("served-by", "model"),))
        context.set_trailing_metadata((("cost-bin", b"\0\1"), ("rows", "1")))
        return message

    def _fail(self, message: bytes, context: Any) -> None:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "4 features, not 3 \u2013 sent")

    def _wait(self, message: bytes, context: Any) -> bytes:
        context.add_callback(self.cancelled.set)
        self.called.set()
        self.release.wait(PATIENCE_SECONDS)
        return message

    def _stream(self, messages: Iterator[bytes], context: Any) -> Iterator[bytes]:
        yield from messages


def _options(options: dict[str, int]) -> list[tuple[str, int]]:
    named = {f"grpc.{name}": value for name, value in options.items()}
    return [*(UNBOUNDED | named).items()]


@contextlib.contextmanager
def model_server(model: Model, port: int = 0, **options: int) -> Iterator[int]:
    """The port it listens on; `options` are gRPC's, without their prefix."""
    pool = futures.ThreadPoolExecutor(8)
    server = grpc.server(pool, (model,), options=_options(options))
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield port
    finally:
        model.release.set()
        server.stop(None).wait()
        pool.shutdown()


@contextlib.contextmanager
def channel_to(address: tuple[str, int], **options: int) -> Iterator[Any]:
    host, port = address
    with grpc.insecure_channel(f"{host}:{port}", options=_options(options)) as channel:
        yield channel
