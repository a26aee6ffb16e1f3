"""gRPC servers on loopback that answer, byte by byte, what a test tells them to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc  # type: ignore[import-untyped]

from sidelight.protocols import v2_grpc
from sidelight.protocols.grpc.open_inference import ModelReadyRequest, ModelReadyResponse
from sidelight.tensors import Column, Columns

Answer = Callable[[bytes, Any], bytes]
"""Gets a request's bytes and the call's context, and gives the answer's bytes."""


@dataclass
class Asked:
    """What a server was asked, and over which connections."""

    address: str
    requests: list[bytes] = field(default_factory=list)
    connections: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"grpc://{self.address}"


@contextmanager
def serving(
    infer: Answer, *, ready: Answer | None = None, port: int = 0, credentials: Any = None
) -> Iterator[Asked]:
    """A server whose ModelInfer is `infer`, and its ModelReady `ready` if it has one."""
    asked = Asked("")

    def keep(request: bytes, context: Any) -> bytes:
        asked.requests.append(request)
        asked.connections.add(context.peer())
        return infer(request, context)

    methods = {"ModelInfer": grpc.unary_unary_rpc_method_handler(keep)}
    if ready is not None:
        methods["ModelReady"] = grpc.unary_unary_rpc_method_handler(ready)
    service = grpc.method_handlers_generic_handler("inference.GRPCInferenceService", methods)
    server = grpc.server(ThreadPoolExecutor(16), handlers=[service])
    if credentials is None:
        bound = server.add_insecure_port(f"127.0.0.1:{port}")
    else:
        bound = server.add_secure_port(f"127.0.0.1:{port}", credentials)
    asked.address = f"127.0.0.1:{bound}"
    server.start()
    try:
        yield asked
    finally:
        server.stop(None).wait()


def doubled(request: bytes, _context: Any) -> bytes:
    """The input ``x`` times two."""
    return v2_grpc.encode_response(
        Columns((Column("y", 2 * v2_grpc.decode_request(request)["x"].values),))
    )


def readiness(models: dict[str, bool]) -> Answer:
    """A ModelReady of these models."""

    def ready(request: bytes, _context: Any) -> bytes:
        name = ModelReadyRequest.FromString(request).name
        return bytes(ModelReadyResponse(ready=models[name]).SerializeToString())

    return ready


def asked_of(asked: Asked) -> Columns:
    """The one question that a server was asked."""
    (request,) = asked.requests
    return v2_grpc.decode_request(request)
