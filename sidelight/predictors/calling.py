"""Questions over one gRPC channel, each with a deadline, repeated where that is safe.

Bytes go in and out: no generated stubs. A call runs in the thread that asks (measured: 0.38 ms,
0.55 in grpcio's asyncio form), the parts of one batch in threads of their own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from threading import BoundedSemaphore

from sidelight.config.settings import PredictorSettings
from sidelight.errors import MissingExtra, PredictorError, PredictorTimeout
from sidelight.predictors.certificates import tls_context
from sidelight.predictors.credentials import Credentials
from sidelight.predictors.recalling import Recall, recall_in_force
from sidelight.predictors.remote import (
    READY_SECONDS,
    TOO_LARGE,
    WORDS,
    Answer,
    Question,
    waits,
)
from sidelight.predictors.spending import Spent
from sidelight.probes import Mark

# Its C core would write lines of its own among ours, for each server that restarts.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
try:
    import grpc  # type: ignore[import-untyped]
except ImportError as exc:
    raise MissingExtra(f"gRPC needs grpcio ({exc}); run: pip install 'sidelight[grpc]'") from exc

SERVICE = "/inference.GRPCInferenceService"
HOST = "host"
STATUSES = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}
"""What HTTP would say; any other code is 500."""


def open_channel(name: str, settings: PredictorSettings) -> grpc.Channel:
    """A channel to the predictor's url; `ConfigError` for certificates that cannot be used."""
    scheme, _, address = (settings.url or "").rstrip("/").rpartition("://")
    options = _options(settings)
    if scheme != "grpcs":
        return grpc.insecure_channel(address, options)
    # grpcio itself would say nothing until a handshake fails.
    tls_context(name, settings)
    files = (settings.ca_file, settings.key_file or settings.cert_file, settings.cert_file)
    pem = (None if file is None else file.read_bytes() for file in files)
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(*pem), options)


def _options(settings: PredictorSettings) -> list[tuple[str, int | str]]:
    """One connection of our own that comes back soon after the server does."""
    host = settings.headers.get(HOST)
    return [
        *([] if host is None else [("grpc.default_authority", host.get_secret_value())]),
        ("grpc.max_receive_message_length", settings.max_answer_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_http_proxy", 0),
        # We repeat and count ourselves.
        ("grpc.enable_retries", 0),
        ("grpc.initial_reconnect_backoff_ms", 50),
        ("grpc.max_reconnect_backoff_ms", 1000),
        # How long an attempt to connect may take, whatever its name says: never less than a call.
        ("grpc.min_reconnect_backoff_ms", int(1000 * settings.timeout_seconds) + 1000),
        # Servers hang up on clients that ping more often than every five minutes. Besides, grpcio
        # notices a peer that silently went away only where pings are on.
        ("grpc.keepalive_time_ms", 301_000),
        ("grpc.keepalive_timeout_ms", 10_000),
    ]


class Caller:
    """Calls one server's inference service.

    `told` is how errors name the server, `mark` what proves that a question is ours.
    """

    def __init__(
        self,
        channel: grpc.Channel,
        told: str,
        settings: PredictorSettings,
        credentials: Credentials,
        mark: Mark | None = None,
    ) -> None:
        self._channel = channel
        self._told = told
        self._settings = settings
        self._credentials = credentials
        self._mark = mark
        self._infer = channel.unary_unary(f"{SERVICE}/ModelInfer")
        self._ready = channel.unary_unary(f"{SERVICE}/ModelReady")
        self._turns = BoundedSemaphore(settings.max_in_flight)
        self._parts = ThreadPoolExecutor(settings.max_in_flight, told)

    def ask_all(self, questions: Sequence[Question], spent: Spent) -> list[Answer]:
        """The answers, in order; after the first failure no more are asked, and it is raised."""
        recall = recall_in_force()
        if len(questions) == 1:
            return [self._ask(questions[0], spent, recall)]
        try:
            asked = [self._parts.submit(self._ask, one, spent, recall) for one in questions]
        except RuntimeError as exc:  # of an executor that is shut down
            raise PredictorError(f"{self._told}: {exc}") from exc
        try:
            done, _ = wait(asked, return_when=FIRST_EXCEPTION)
            _raise_first(done)
            return [one.result() for one in asked]
        finally:
            for one in asked:
                one.cancel()

    def is_ready(self, request: bytes) -> bytes | None:
        """The answer to a readiness request, None when there is none in time."""
        try:
            metadata = self._metadata(b"", None)
            return bytes(self._ready(request, timeout=READY_SECONDS, metadata=metadata))
        except (PredictorError, grpc.RpcError, ValueError):  # the last of a closed channel
            return None

    def close(self) -> None:
        self._channel.close()
        self._parts.shutdown()

    def _ask(self, question: Question, spent: Spent, recall: Recall | None) -> Answer:
        """Ask again after what may pass by itself; a prediction changes nothing at the server."""
        with self._turns:
            deadline = time.monotonic() + self._settings.timeout_seconds
            for pause in waits(self._settings.retries):
                try:
                    return self._ask_once(question, spent, deadline, recall)
                except PredictorError as exc:
                    if exc.status != STATUSES[grpc.StatusCode.UNAVAILABLE]:
                        raise
                (recall or Recall()).pause(max(0.0, min(pause, deadline - time.monotonic())))
            return self._ask_once(question, spent, deadline, recall)

    def _ask_once(
        self, question: Question, spent: Spent, deadline: float, recall: Recall | None
    ) -> Answer:
        if recall is not None and recall.recalled:
            raise PredictorError(f"{self._told}: taken back before it was asked")
        spent.add(question.rows)
        try:
            return Answer(self._answered(question, deadline - time.monotonic(), recall))
        except grpc.RpcError as exc:
            raise self._translated(exc) from exc
        except grpc.FutureCancelledError as exc:
            raise PredictorError(f"{self._told}: taken back") from exc
        except ValueError as exc:  # of a closed channel
            raise PredictorError(f"{self._told}: {exc}") from exc

    def _answered(self, question: Question, seconds: float, recall: Recall | None) -> bytes:
        metadata = self._metadata(question.body, self._mark)
        if recall is None:
            return bytes(self._infer(question.body, timeout=seconds, metadata=metadata))
        # Only a call in this form can be stopped from elsewhere; it costs a thread's hand-over.
        call = self._infer.future(question.body, timeout=seconds, metadata=metadata)
        with recall.by(call.cancel):
            return bytes(call.result())

    def _metadata(self, body: bytes, mark: Mark | None) -> list[tuple[str, str]]:
        """The host is the channel's own affair (`_options`)."""
        told = self._credentials.headers() | ({} if mark is None else mark.of(body))
        return [one for one in told.items() if one[0] != HOST]

    def _translated(self, error: grpc.RpcError) -> PredictorError:
        code, words = error.code(), self._credentials.concealed(error.details() or "(no words)")
        status = TOO_LARGE if _is_too_large(code, words) else STATUSES.get(code, 500)
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            seconds = self._settings.timeout_seconds
            told = f"{self._told}: no answer within {seconds:g} s"
            return PredictorTimeout(told, status=status)
        told = f"{self._told}: {code.name}: {words[:WORDS]}{_way_out(code, words)}"
        return PredictorError(told, status=status)


def _way_out(code: grpc.StatusCode, words: str) -> str:
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return f"; the server has no {SERVICE[1:]} there, correct the predictor's url"
    if _is_too_large(code, words):
        ours = "CLIENT" in words
        setting = "raise max_answer_bytes" if ours else "lower max_batch_rows"
        return f"; {setting} of the predictor"
    return ""


def _is_too_large(code: grpc.StatusCode, words: str) -> bool:
    return code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in words


def _raise_first(done: set[Future[Answer]]) -> None:
    for one in done:
        if (error := one.exception()) is not None:
            raise error
