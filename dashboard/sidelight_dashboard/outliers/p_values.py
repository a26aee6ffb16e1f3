"""All rows by how strange they are, not only those that are flagged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sidelight_dashboard.chosen import Chosen
from sidelight_dashboard.comparing.compared import Compared
from sidelight_dashboard.outliers.chance import band_of_ranks


@dataclass(frozen=True)
class PValues:
    """Rows by conformal p-value, in bins of equal width over (0, 1]; of ordinary rows each bin has
    `expected`, and `low` to `high` are not told from chance."""

    plan: str
    counts: tuple[int, ...]
    low: int
    high: int

    @property
    def rows(self) -> int:
        return sum(self.counts)

    @property
    def expected(self) -> float:
        return self.rows / len(self.counts)


def p_values(chosen: Chosen, detector: str, plans: Sequence[Compared]) -> PValues | None:
    """Of the newest plan; None where the detector has none, no rows came, or of a segment."""
    for plan in () if chosen.segment else plans:
        found = plan.flagged(detector)
        if found and sum(found.p_values):
            counts = found.p_values
            low, high = band_of_ranks(sum(counts), len(counts), found.calibration_rows)
            return PValues(plan.plan, counts, low, high)
    return None
