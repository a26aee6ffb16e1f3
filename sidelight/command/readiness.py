"""Says once when every service answers that it is ready."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection

from sidelight.config import Listen, Settings
from sidelight.config.services import receiver

_ROUTES: dict[str, tuple[Callable[[Settings], str], str]] = {
    "logger": (lambda settings: settings.logger.metrics, "/readyz"),
    "receiver": (lambda settings: receiver(settings).listen, "/readyz"),
    "joiner": (lambda settings: settings.joiner.listen, "/readyz"),
    "detectors": (lambda settings: settings.detectors.listen, "/readyz"),
    "explainers": (lambda settings: settings.explainers.listen, "/v2/health/ready"),
    "dashboard": (lambda settings: settings.dashboard.listen, "/readyz"),
}
_PAUSE_SECONDS = 0.1
_TIMEOUT_SECONDS = 5.0


def when_ready(
    settings: Settings, services: Sequence[str], tell: Callable[[float], None]
) -> threading.Thread:
    """Call `tell` with the seconds it took, in a thread that does not keep the process alive.

    A service on any free port (``:0``) is taken for ready: nobody here knows its port. So is one
    that lets in certified callers only, once it listens.
    """
    started = time.monotonic()

    def watch() -> None:
        for service in services:
            _wait_for(_asking(settings, service))
        tell(time.monotonic() - started)

    thread = threading.Thread(target=watch, name="readiness", daemon=True)
    thread.start()
    return thread


def _asking(settings: Settings, service: str) -> Callable[[], bool]:
    """How to find out whether the service is ready."""
    address, route = _ROUTES[service]
    listen = Listen.parse(address(settings))
    if not listen.port:
        return lambda: True
    explainers = settings.explainers
    served = {
        "explainers": explainers.cert_file,
        "receiver": receiver(settings).cert_file,
        "dashboard": settings.dashboard.cert_file,
    }
    if served.get(service) is None:
        return partial(_is_ready, listen, route)
    if service != "explainers" or explainers.client_ca_file is None:
        return partial(_is_ready, listen, route, _whoever_answers())
    return partial(_listens, listen)


def _wait_for(is_ready: Callable[[], bool]) -> None:
    while not is_ready():
        time.sleep(_PAUSE_SECONDS)


def _is_ready(listen: Listen, route: str, tls: ssl.SSLContext | None = None) -> bool:
    with closing(_connection(listen, tls)) as asked:
        try:
            asked.request("GET", route)
            return asked.getresponse().status == 200
        except (OSError, HTTPException):
            return False


def _connection(listen: Listen, tls: ssl.SSLContext | None) -> HTTPConnection:
    place = (listen.reachable, listen.port)
    if tls is None:
        return HTTPConnection(*place, timeout=_TIMEOUT_SECONDS)
    return HTTPSConnection(*place, timeout=_TIMEOUT_SECONDS, context=tls)


def _whoever_answers() -> ssl.SSLContext:
    """The certificate is made for callers' names of the service, not for the address here; nothing
    is sent that anybody may not know."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _listens(listen: Listen) -> bool:
    try:
        with socket.create_connection((listen.reachable, listen.port), _TIMEOUT_SECONDS):
            return True
    except OSError:
        return False
