"""The store for a report: that of a dashboard at work, or brought up to now when there is none."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from sidelight.command.log import open_standing
from sidelight.config.settings import Settings
from sidelight.panes import open_panes
from sidelight_dashboard.following.follower import Follower
from sidelight_dashboard.following.position import records_left
from sidelight_dashboard.live.revision import Revision
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.store.folder import folder_of
from sidelight_dashboard.store.locking import Held, held
from sidelight_dashboard.store.opening import Store

PATIENCE_SECONDS = 10.0
"""For a dashboard at work to read what the log has."""
_POLL_SECONDS = 0.2


@contextmanager
def opened(settings: Settings) -> Iterator[Showing]:
    """`ConfigError` when there is no log, or no store that this release can read."""
    with ExitStack() as closed:
        log = closed.enter_context(closing(open_standing(settings.log)))
        store = closed.enter_context(closing(Store(folder_of(settings))))
        panes = closed.enter_context(open_panes(settings))
        showing = Showing(settings, store, log, panes, Revision())
        _bring_up(showing)
        yield showing


def _bring_up(showing: Showing) -> None:
    """Read the log to its end, or wait until who holds the store has; how many records are left
    after that, the report says."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (is_whole := _has_followed(showing)) and time.monotonic() < end:
        time.sleep(_POLL_SECONDS)
    if not is_whole:
        showing.store.check()


def _has_followed(showing: Showing) -> bool:
    """Whether all there is has been read, by us or by who holds the store."""
    store = showing.store
    try:
        with held(store.folder):
            store.prepare()
            Follower(showing, threading.Event()).catch_up()
    except Held:
        return store.is_of_this_format and not records_left(showing)
    return True
