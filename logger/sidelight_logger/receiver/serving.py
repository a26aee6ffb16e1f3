"""`sidelight receiver`: from the configuration to a server, and back."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager

import structlog
import uvicorn
from prometheus_client import CollectorRegistry, disable_created_metrics

from sidelight.config.capturing.receiving import ReceiverSettings
from sidelight.config.services import receiver
from sidelight.config.settings import Settings
from sidelight.errors import ConfigError
from sidelight.log import Log, open_log
from sidelight.serving.listening import bound
from sidelight_logger.joiner.withholding import Withholding
from sidelight_logger.policy.configured import policy_of
from sidelight_logger.proxy.process import allow_all_connections
from sidelight_logger.receiver import modelmesh
from sidelight_logger.receiver.admission import Admission
from sidelight_logger.receiver.app import EVENTS, Desk, Receiver
from sidelight_logger.receiver.intake import Intake
from sidelight_logger.receiver.metrics import LeftOut, ReceiverMetrics
from sidelight_logger.receiver.post import Room
from sidelight_logger.receiver.reading import CloudEvents, Payloads, Reading
from sidelight_logger.receiver.waiting import PromptHeads
from sidelight_logger.stopping import stop_on_signals

GRACE_SECONDS = 10
"""For posts under way when the service ends."""
MAX_CONNECTIONS = 4096
MAX_HEAD_BYTES = 64 << 10
KEEP_ALIVE_SECONDS = 120
"""Longer than senders keep idle connections (Go 90 s): they close, and no post meets a close."""

logger = structlog.get_logger("sidelight.receiver")


def run_service(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; returns when all that was taken is in the log."""
    stop = stop_on_signals()
    allow_all_connections()
    disable_created_metrics()  # type: ignore[no-untyped-call]
    asked = receiver(settings)
    with ExitStack() as closed:
        listener = closed.enter_context(bound("receiver.listen", asked.listen))
        log = closed.enter_context(closing(open_log(settings.log)))
        app = closed.enter_context(receiving(settings, log))
        closed.enter_context(served(listener, app, asked, stop))
        logger.info("receiver at work", port=listener.getsockname()[1])
        stop.wait()


@contextmanager
def receiving(settings: Settings, log: Log) -> Iterator[Receiver]:
    """The app over that log; at the end all that it took is there."""
    registry = CollectorRegistry()
    asked, metrics = receiver(settings), ReceiverMetrics(registry)
    limit = asked.max_event_bytes
    intake, room = Intake(log, metrics.append_seconds.observe), Room(asked.buffer_bytes)
    metrics.waiting_bytes.set_function(lambda: room.taken)
    metrics.log_up.set_function(lambda: not intake.trouble)
    kept = frozenset(name.lower() for name in settings.logger.headers)
    withholding = Withholding(policy_of(settings), lambda: log.log_id)
    registry.register(LeftOut(withholding.left_out))
    readings: dict[str, Reading] = {
        EVENTS: CloudEvents(withholding, limit),
        modelmesh.PATH: Payloads(withholding, limit, kept),
    }
    token = asked.token.get_secret_value() if asked.token else ""
    desk = Desk(readings, intake, room, limit, metrics)
    intake.start()
    try:
        yield Receiver(Admission(token), desk, asked.allowed_origins, registry)
    finally:
        intake.close()


@contextmanager
def served(
    listener: socket.socket, app: Receiver, settings: ReceiverSettings, stop: threading.Event
) -> Iterator[None]:
    """Answers in a thread; when that ends for a reason of its own, `stop` is set, and at the end
    the reason is raised. Raises `ConfigError` for a certificate that cannot be used."""
    server = uvicorn.Server(_config(app, settings))
    with ThreadPoolExecutor(1, thread_name_prefix="http") as pool:
        serving = pool.submit(server.run, [listener])
        serving.add_done_callback(lambda _: stop.set())
        try:
            yield
        finally:
            server.should_exit = True
            serving.result()


def _config(app: Receiver, settings: ReceiverSettings) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        http=PromptHeads,  # over h11, which bounds a head: it is read before any token
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        lifespan="off",
        ws="none",
        proxy_headers=False,
        access_log=False,  # which would tell tokens in paths
        log_config=None,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        limit_concurrency=MAX_CONNECTIONS,
        ssl_certfile=settings.cert_file,
        ssl_keyfile=settings.key_file,
    )
    try:
        config.load()
    except OSError as exc:
        files = f"{settings.cert_file}, receiver.key_file {settings.key_file}"
        raise ConfigError(f"receiver.cert_file {files}: cannot be used: {exc}") from exc
    return config
