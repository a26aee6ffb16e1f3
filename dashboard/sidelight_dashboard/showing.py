"""What every page is made from."""

from __future__ import annotations

from dataclasses import dataclass, field

from sidelight.config.settings import Settings
from sidelight.log import Log
from sidelight.panes import PaneReader
from sidelight_dashboard.comparing.sums import Sums
from sidelight_dashboard.live.revision import Revision
from sidelight_dashboard.store.opening import Store


@dataclass(frozen=True)
class Showing:
    """The configuration, the store, the log for the rows themselves, and who reads panes.

    `revision` goes up whenever the store has something new. `sums` remembers what was added up.
    """

    settings: Settings
    store: Store
    log: Log
    panes: PaneReader
    revision: Revision
    sums: Sums = field(default_factory=Sums, compare=False, repr=False)
