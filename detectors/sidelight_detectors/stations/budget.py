"""How many rows a station may ask the predictor about."""

from __future__ import annotations

from collections.abc import Callable

MINUTE = 60.0

BURST = 0.1
"""Share of a minute's rows that may be asked about at once."""


class Budget:
    """At most `rows` in any minute: a tenth of them at once, the others as time goes on.

    Parameters
    ----------
    rows:
        At least twice `largest`.
    largest:
        Rows of one question at least, which must be affordable at once.
    clock:
        Seconds.
    """

    def __init__(self, rows: float, largest: int, clock: Callable[[], float]) -> None:
        if rows < 2 * largest:
            raise ValueError(f"{rows:g} rows a minute: a question of {largest} needs twice as many")
        self._burst = max(rows * BURST, largest)
        self._per_second = (rows - self._burst) / MINUTE
        self._clock = clock
        self._left = self._burst
        self._seen = clock()

    @property
    def affords(self) -> int:
        """Rows that may be asked about now."""
        now = self._clock()
        self._left = min(self._left + (now - self._seen) * self._per_second, self._burst)
        self._seen = now
        return max(int(self._left), 0)

    def spend(self, rows: int) -> None:
        """So many were sent; more than was affordable are taken off what comes."""
        self._left -= rows
