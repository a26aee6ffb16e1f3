"""What was made before: of a long stretch only the days that changed are added up anew."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Made = TypeVar("Made")
Key = tuple[str | int, ...]


class Remembered(Generic[Made]):
    """By a key that says what was made, and changes with it. Threads share it.

    Of more than `most` the one not asked for longest is let go.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[Key, Made] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, key: Key, make: Callable[[], Made]) -> Made:
        """That of the key, made where it is not known."""
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
                return known
        made = make()
        with self._lock:
            self._known[key] = made
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        return made
