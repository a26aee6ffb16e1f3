"""`sidelight dashboard`: from the configuration to a server, and back."""

from __future__ import annotations

import gc
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from types import FrameType

import structlog
import uvicorn
from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from sidelight.config.addresses import Listen
from sidelight.config.settings import Settings
from sidelight.config.showing.service import DashboardSettings
from sidelight.errors import ConfigError
from sidelight.log import open_log
from sidelight.panes import open_panes
from sidelight.serving.connections import Impatient
from sidelight.serving.listening import bound
from sidelight_dashboard.app import create_app
from sidelight_dashboard.delivering.delivering import Delivering
from sidelight_dashboard.following.follower import Follower
from sidelight_dashboard.following.metrics import FollowingCollector
from sidelight_dashboard.links import url_of
from sidelight_dashboard.live.revision import Revision
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.store.folder import folder_of
from sidelight_dashboard.store.locking import held
from sidelight_dashboard.store.opening import Store

GRACE_SECONDS = 5
"""Time for requests under way after SIGTERM."""
MAX_CONNECTIONS = 1024
"""Above it the answer is 503."""
TURN_SECONDS = 0.001
"""That the follower may work before a page has its turn: each page asks the store many times."""
THREADS = 16
"""That make pages and answers at once; each has its own connections to the store."""

logger = structlog.get_logger("sidelight.dashboard")


def run_service(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    sys.setswitchinterval(TURN_SECONDS)
    # uvicorn raises the signal again when it has ended: this is what then happens
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _exit)
    stop = threading.Event()
    with ExitStack() as closed:
        store = Store(folder_of(settings))
        closed.enter_context(held(store.folder))
        store.prepare()
        closed.callback(store.close)
        log = closed.enter_context(closing(open_log(settings.log)))
        panes = closed.enter_context(open_panes(settings))
        showing = Showing(settings, store, log, panes, Revision())
        follower = Follower(showing, stop)
        registry = CollectorRegistry()
        registry.register(FollowingCollector(showing, lambda: follower.waits_for))
        delivering = Delivering(showing, lambda: follower.waits_for, registry, stop)
        closed.enter_context(_at_work("follower", follower.run, stop))
        closed.enter_context(_at_work("delivering", delivering.run, stop))
        app = create_app(showing, registry, lambda: follower.waits_for)
        listens = closed.enter_context(bound("dashboard.listen", settings.dashboard.listen))
        config = _configured(app, settings.dashboard)
        gc.freeze()  # What stands by now lives as long as the process.
        _tell_of_open_door(settings.dashboard)
        logger.info("dashboard at work", url=url_of(settings.dashboard), folder=str(store.folder))
        _Server(config, showing.revision).run([listens])


@contextmanager
def _at_work(name: str, run: Callable[[], None], stop: threading.Event) -> Iterator[None]:
    thread = threading.Thread(target=run, name=name)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


class _Server(uvicorn.Server):
    """Lets go of the browsers that follow, which would hold it up."""

    def __init__(self, config: uvicorn.Config, revision: Revision) -> None:
        super().__init__(config)
        self._revision = revision

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        current_default_thread_limiter().total_tokens = THREADS
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._revision.end()
        await super().shutdown(sockets)


def _configured(app: FastAPI, settings: DashboardSettings) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        http=Impatient,
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_certfile=settings.cert_file,
        ssl_keyfile=settings.key_file,
    )
    try:
        config.load()
    except OSError as exc:  # of TLS: the rest needs no file
        raise ConfigError(
            f"dashboard.cert_file {settings.cert_file}, key_file {settings.key_file}: {exc}; name"
            " a certificate and its key, both PEM, that this user can read"
        ) from exc
    return config


def _tell_of_open_door(settings: DashboardSettings) -> None:
    listen = Listen.parse(settings.listen)
    if not settings.tokens and not listen.is_loopback:
        logger.warning(
            "whoever reaches the dashboard may read, and have models asked; set dashboard.tokens",
            listen=settings.listen,
        )


def _exit(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)
