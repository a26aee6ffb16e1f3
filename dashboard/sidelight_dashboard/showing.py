"""What every page is made from."""

from __future__ import annotations

from dataclasses import dataclass, field

from sidelight.config.settings import Settings
from sidelight.log import Log
from sidelight.panes import Comparison, PaneReader
from sidelight_dashboard.live.revision import Revision
from sidelight_dashboard.store.opening import Store
from sidelight_dashboard.store.remembered import Remembered

SUMS, COMPARISONS = 1000, 100
"""That are held in memory."""


@dataclass(frozen=True)
class Showing:
    """The configuration, the store, the log for the rows themselves, and who reads panes.

    `revision` goes up whenever the store has something new. `sums` and `comparisons` are
    those made before: a page and its charts ask for the same.
    """

    settings: Settings
    store: Store
    log: Log
    panes: PaneReader
    revision: Revision
    sums: Remembered[bytes] = field(default_factory=lambda: Remembered(SUMS))
    comparisons: Remembered[Comparison] = field(default_factory=lambda: Remembered(COMPARISONS))
