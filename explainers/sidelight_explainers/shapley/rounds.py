"""How many chains to ask for at a time."""

from __future__ import annotations

from dataclasses import dataclass

FIRST = 8
"""Without a tolerance the first question has one chain in so many: a partial answer, and one that
tells how fast the predictor is."""
AT_LEAST = 8
"""A further question has one chain for so many that were asked, or it is not worth a call."""
SAFE = 1.02
"""Half widths are themselves estimates: so much more is asked than they call for."""


@dataclass(frozen=True)
class Rounds:
    """Questions for `total` chains in all, of which the first `telling` tell how wide the intervals
    are; until the widest half width is within `tolerance`, None for all of them."""

    total: int
    telling: int
    tolerance: float | None

    def first(self) -> int:
        """Chains of the first question."""
        part = -(-self.total // FIRST)
        told = part if self.tolerance is None else max(part, self.telling)
        return min(_even(told), self.total)

    def accurate(self, widest: float) -> bool:
        return self.tolerance is not None and widest <= self.tolerance

    def upto(self, done: int, widest: float) -> int:
        """Chains to have after the next question: as many as the width calls for, since it falls
        with the square root of the chains."""
        if self.tolerance is None:
            return self.total
        wanted = int(SAFE * done * min((widest / self.tolerance) ** 2, self.total))
        least = done + max(done // AT_LEAST, 2)
        return min(_even(max(wanted, least)), self.total)


def _even(chains: int) -> int:
    """An order comes with its reverse."""
    return chains + chains % 2
