"""Sums that were made before: of a long stretch only the days that changed are added up anew."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

Key = tuple[str | int, ...]

KEPT = 1000
"""Sums held in memory; the one not asked for longest is let go first."""


class Sums:
    """By a key that says what was added up, and changes with it. Threads share it."""

    def __init__(self) -> None:
        self._sums: OrderedDict[Key, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, key: Key, make: Callable[[], bytes]) -> bytes:
        """The sum of that key, made where it is not known."""
        with self._lock:
            known = self._sums.get(key)
            if known is not None:
                self._sums.move_to_end(key)
                return known
        made = make()
        with self._lock:
            self._sums[key] = made
            if len(self._sums) > KEPT:
                self._sums.popitem(last=False)
        return made
