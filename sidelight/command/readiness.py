"""Says once when every service answers that it is ready."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from http.client import HTTPConnection, HTTPException

from sidelight.config import Listen, Settings

_ROUTES: dict[str, tuple[Callable[[Settings], str], str]] = {
    "logger": (lambda settings: settings.logger.metrics, "/readyz"),
    "joiner": (lambda settings: settings.joiner.listen, "/readyz"),
    "detectors": (lambda settings: settings.detectors.listen, "/readyz"),
    "explainers": (lambda settings: settings.explainers.listen, "/v2/health/ready"),
}
_PAUSE_SECONDS = 0.1
_TIMEOUT_SECONDS = 5.0


def when_ready(
    settings: Settings, services: Sequence[str], tell: Callable[[float], None]
) -> threading.Thread:
    """Call `tell` with the seconds it took, in a thread that does not keep the process alive.

    A service on any free port (``:0``) is taken for ready: nobody here knows its port.
    """
    started = time.monotonic()

    def watch() -> None:
        for service in services:
            address, route = _ROUTES[service]
            _wait_for(Listen.parse(address(settings)), route)
        tell(time.monotonic() - started)

    thread = threading.Thread(target=watch, name="readiness", daemon=True)
    thread.start()
    return thread


def _wait_for(listen: Listen, route: str) -> None:
    while listen.port and not _is_ready(listen, route):
        time.sleep(_PAUSE_SECONDS)


def _is_ready(listen: Listen, route: str) -> bool:
    with closing(HTTPConnection(listen.reachable, listen.port, timeout=_TIMEOUT_SECONDS)) as asked:
        try:
            asked.request("GET", route)
            return asked.getresponse().status == 200
        except (OSError, HTTPException):
            return False
