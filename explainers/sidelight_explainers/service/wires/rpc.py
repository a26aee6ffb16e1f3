"""The same over gRPC: `ModelInfer` explains, the other calls tell how the server is.

Bytes go in and out: no generated stubs. Reached only with the extra ``grpc``.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog

from sidelight import __version__
from sidelight.config.explaining.service import ExplainersSettings
from sidelight.errors import ConfigError, MissingExtra, SidelightError
from sidelight.events.exchange import Body
from sidelight.protocols import v2_grpc
from sidelight.protocols.grpc import open_inference as messages
from sidelight.protocols.grpc.parameters import read_choices
from sidelight.protocols.limits import Limits
from sidelight.protocols.v2 import read_envelope
from sidelight.serving.refusals import code_of
from sidelight.tensors import Columns
from sidelight_explainers.service.answering import Answering
from sidelight_explainers.service.asked import Asked
from sidelight_explainers.service.closing import Closing
from sidelight_explainers.service.guarding import Guard
from sidelight_explainers.service.metrics.requests import UNKNOWN
from sidelight_explainers.service.refusals import CODES
from sidelight_explainers.service.warming import Readiness
from sidelight_explainers.service.wires.describing import described
from sidelight_explainers.service.wires.v2 import asked, explanation_column
from sidelight_explainers.service.wires.v2_routes import EXTENSIONS, SERVER

# Its C core would write lines of its own among ours.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
try:
    import grpc  # type: ignore[import-untyped]
    import grpc.aio  # type: ignore[import-untyped]
except ImportError as exc:
    raise MissingExtra(f"gRPC needs grpcio ({exc}); run: pip install 'sidelight[grpc]'") from exc

STATUSES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    404: grpc.StatusCode.NOT_FOUND,
    410: grpc.StatusCode.CANCELLED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    501: grpc.StatusCode.UNIMPLEMENTED,
    502: grpc.StatusCode.UNAVAILABLE,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
"""What HTTP's codes are here; any other is INTERNAL."""
GRACE_SECONDS = 25.0
MOST_CALLS = 1024
"""At one time; above it the answer is RESOURCE_EXHAUSTED."""
OPEN = frozenset({"ServerLive", "ServerReady"})
"""For those who watch the process."""
Call = Callable[[bytes], Awaitable[bytes]]


def decode(body: Body, limits: Limits) -> Asked:
    """A ``ModelInferRequest``; without inputs where the method or an exchange has the rows."""
    message = body.content
    request = messages.ModelInferRequest.FromString(message)
    if request.inputs:
        return asked(v2_grpc.decode_request(message, limits))
    said = {"id": request.id or None, "parameters": read_choices(request.parameters)}
    return asked(Columns((), read_envelope(said, "inputs", limits)))


@dataclass(frozen=True)
class Calls:
    """The calls of ``inference.GRPCInferenceService``, each from message bytes to message bytes."""

    answering: Answering
    readiness: Readiness

    async def live(self, _message: bytes) -> bytes:
        return _bytes(messages.ServerLiveResponse(live=True))

    async def ready(self, _message: bytes) -> bytes:
        return _bytes(messages.ServerReadyResponse(ready=self.readiness.ready))

    async def model_ready(self, message: bytes) -> bytes:
        name = messages.ModelReadyRequest.FromString(message).name
        is_ready = self.answering.service.known(name) is not None
        return _bytes(messages.ModelReadyResponse(ready=is_ready))

    async def server(self, _message: bytes) -> bytes:
        told = messages.ServerMetadataResponse(
            name=SERVER, version=__version__, extensions=EXTENSIONS
        )
        return _bytes(told)

    async def metadata(self, message: bytes) -> bytes:
        name = messages.ModelMetadataRequest.FromString(message).name
        told = described(name, self.answering.service.known(name))
        del told["methods"]  # the message has no place for them
        return _bytes(messages.ModelMetadataResponse(**told))

    async def infer(self, message: bytes) -> bytes:
        """The explanations of the rows."""
        service = self.answering.service
        name = messages.ModelInferRequest.FromString(message).model_name
        with service.metrics.request(name if name in service.models else UNKNOWN):
            return await self.answering.closing.unless_over(self._explained(name, message))

    async def _explained(self, name: str, message: bytes) -> bytes:
        service = self.answering.service
        plan = await service.plan(name, Body(message, size=len(message)), decode)
        explanations = await service.explain(plan, self.answering.workers)

        def encoded() -> bytes:
            told = explanation_column(plan, explanations)
            return v2_grpc.encode_response(told, _contents(message))

        return await asyncio.to_thread(encoded)


def _contents(message: bytes) -> v2_grpc.Contents:
    """Raw in, raw out; typed fields otherwise."""
    request = messages.ModelInferRequest.FromString(message)
    return "raw" if request.raw_input_contents else "typed"


def _bytes(message: messages.Message) -> bytes:
    return bytes(message.SerializeToString())


class Server:
    """Answers on the settings' address, on the event loop that started it."""

    def __init__(self, calls: Calls, settings: ExplainersSettings, guard: Guard) -> None:
        self._calls = calls
        self._settings = settings
        self._guard = guard
        self._server: Any = None

    async def start(self) -> None:
        """Raises `ConfigError` when the address is not free."""
        most = ("grpc.max_receive_message_length", self._settings.max_body)
        self._server = grpc.aio.server(
            options=[most, ("grpc.so_reuseport", 0)], maximum_concurrent_rpcs=MOST_CALLS
        )
        self._server.add_generic_rpc_handlers((_handlers(self._calls, self._guard),))
        try:
            self._bind(str(self._settings.grpc_listen))
        except RuntimeError as exc:
            raise ConfigError(
                f"explainers.grpc_listen {self._settings.grpc_listen}: {exc}; name a free address"
            ) from exc
        await self._server.start()

    async def stop(self) -> None:
        """Take no more calls, and wait for those under way, which the closing ends."""
        await self._server.stop(GRACE_SECONDS)

    async def stop_with(self, closing: Closing) -> None:
        """Stop when the closing begins."""
        await closing.begun.wait()
        await self.stop()

    def _bind(self, address: str) -> None:
        settings = self._settings
        if settings.cert_file is None or settings.key_file is None:
            self._server.add_insecure_port(address)
            return
        pair = (settings.key_file.read_bytes(), settings.cert_file.read_bytes())
        callers = settings.client_ca_file and settings.client_ca_file.read_bytes()
        credentials = grpc.ssl_server_credentials([pair], callers, callers is not None)
        self._server.add_secure_port(address, credentials)


def _handlers(calls: Calls, guard: Guard) -> Any:
    names = {
        "ServerLive": calls.live,
        "ServerReady": calls.ready,
        "ModelReady": calls.model_ready,
        "ServerMetadata": calls.server,
        "ModelMetadata": calls.metadata,
        "ModelInfer": calls.infer,
    }
    everybody = Guard(None)
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            _refusing(call, everybody if name in OPEN else guard)
        )
        for name, call in names.items()
    }
    return grpc.method_handlers_generic_handler(messages.SERVICE, handlers)


def _refusing(call: Call, guard: Guard) -> Callable[[bytes, Any], Awaitable[bytes]]:
    """The call, with errors as gRPC's statuses."""

    async def answer(message: bytes, context: Any) -> bytes:
        try:
            guard.check(_shown(context))
            return await call(message)
        except messages.DecodeError as exc:
            status, words = grpc.StatusCode.INVALID_ARGUMENT, f"is no such message ({exc})"
        except SidelightError as exc:
            status = STATUSES.get(code_of(exc, CODES), grpc.StatusCode.INTERNAL)
            words = str(exc)
        except Exception as exc:  # the edge: the client learns only the kind
            structlog.get_logger("sidelight.explainers").exception("call failed")
            status, words = grpc.StatusCode.INTERNAL, f"internal error: {type(exc).__name__}"
        return bytes(await context.abort(status, words))  # which raises

    return answer


def _shown(context: Any) -> list[str]:
    said = context.invocation_metadata() or ()
    return [str(value) for name, value in said if name == "authorization"]
