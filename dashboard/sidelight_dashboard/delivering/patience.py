"""When a post that failed is tried again."""

from __future__ import annotations

import random
from dataclasses import dataclass

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 300.0
MOST_ADVISED_SECONDS = 3600.0
"""A receiver may ask for more; it is tried after this."""


@dataclass(frozen=True)
class Patience:
    """Waits that double, each drawn between half and all of its length."""

    random: random.Random

    def seconds(self, tries: int, advised_seconds: float = 0.0) -> float:
        """After so many tries, the last one included; never before the receiver advises."""
        whole = min(FIRST_SECONDS * 2.0 ** min(tries - 1, 30), LONGEST_SECONDS)
        return max(self.advised(advised_seconds), whole * self.random.uniform(0.5, 1.0))

    def advised(self, seconds: float) -> float:
        """What a receiver advises, within reason."""
        return min(seconds, MOST_ADVISED_SECONDS)
