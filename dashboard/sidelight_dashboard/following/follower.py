"""Folds the log's topics into `series.db`, in a thread of its own."""

from __future__ import annotations

import threading

from sidelight.log import Log
from sidelight.panes import PaneReader
from sidelight_dashboard.live.revision import Revision
from sidelight_dashboard.store.opening import Store


class Follower:
    """`run` until `stop`; what it has folded and how far is one transaction."""

    def __init__(
        self, log: Log, panes: PaneReader, store: Store, revision: Revision, stop: threading.Event
    ) -> None:
        self._log = log
        self._panes = panes
        self._store = store
        self._revision = revision
        self._stop = stop
        self.waits_for: str | None = None

    def run(self) -> None:
        self._stop.wait()
