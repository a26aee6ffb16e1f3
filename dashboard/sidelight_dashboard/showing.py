"""What every page is made from."""

from __future__ import annotations

from dataclasses import dataclass

from sidelight.config.settings import Settings
from sidelight.log import Log
from sidelight.panes import PaneReader
from sidelight_dashboard.live.revision import Revision
from sidelight_dashboard.store.opening import Store


@dataclass(frozen=True)
class Showing:
    """The configuration, the store, the log for the rows themselves, and who reads panes.

    `revision` goes up whenever the store has something new.
    """

    settings: Settings
    store: Store
    log: Log
    panes: PaneReader
    revision: Revision
