"""`sidelight dashboard`: from the configuration to a server, and back."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import structlog
import uvicorn
from prometheus_client import CollectorRegistry

from sidelight.config.addresses import Listen
from sidelight.config.settings import Settings
from sidelight.log import open_log
from sidelight.panes import open_panes
from sidelight_dashboard.app import create_app
from sidelight_dashboard.following.follower import Follower
from sidelight_dashboard.live.revision import Revision
from sidelight_dashboard.places import folder_of
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.store.opening import Store

GRACE_SECONDS = 5

logger = structlog.get_logger("sidelight.dashboard")


def run_service(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = threading.Event()
    with ExitStack() as closed:
        store = Store(folder_of(settings))
        store.prepare()
        closed.callback(store.close)
        log = closed.enter_context(closing(open_log(settings.log)))
        panes = closed.enter_context(open_panes(settings))
        showing = Showing(settings, store, log, panes, Revision())
        follower = Follower(showing, stop)
        closed.enter_context(_at_work(follower, stop))
        app = create_app(showing, CollectorRegistry(), lambda: follower.waits_for)
        listen = Listen.parse(settings.dashboard.listen)
        logger.info("dashboard at work", url=listen.url, folder=str(store.folder))
        _serve(app, listen)


@contextmanager
def _at_work(follower: Follower, stop: threading.Event) -> Iterator[None]:
    thread = threading.Thread(target=follower.run, name="follower")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _serve(app: object, listen: Listen) -> None:
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        host=listen.host,
        port=listen.port,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    uvicorn.Server(config).run()
