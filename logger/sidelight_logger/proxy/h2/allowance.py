"""How much of what costs the sender nothing a connection may ask for."""

from __future__ import annotations

from collections.abc import Callable


class Allowance:
    """`burst` at once, and from then on `per_second`."""

    def __init__(self, burst: int, per_second: float, clock: Callable[[], float]) -> None:
        self._burst = burst
        self._per_second = per_second
        self._clock = clock
        self._left = float(burst)
        self._counted_at = clock()

    def spend(self) -> bool:
        """Whether there was one left."""
        if self._left < 1:
            now = self._clock()
            self._left += (now - self._counted_at) * self._per_second
            self._left = min(self._left, self._burst)
            self._counted_at = now
        self._left -= 1
        return self._left >= 0

    def earn(self) -> None:
        """One more, for work that came to its end."""
        self._left = min(self._left + 1, self._burst)
