"""SIGTERM and SIGINT as a flag that loops look at."""

from __future__ import annotations

import signal
from threading import Event


def stop_on_signals() -> Event:
    """Set by the first SIGTERM or SIGINT; call it from the main thread."""
    event = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: event.set())
    return event
