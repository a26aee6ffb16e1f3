"""The slots of a stretch of time, summed plan by plan, beside their references."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sidelight.errors import ArtifactError
from sidelight.panes import Comparison, Flagged
from sidelight_dashboard.chosen import Chosen
from sidelight_dashboard.outliers.rates import SLOTS, given
from sidelight_dashboard.showing import Showing


@dataclass(frozen=True)
class Compared:
    """Rows of one plan; `refused` says why there is no comparison."""

    plan: str
    last_ns: int
    rows: int
    comparison: Comparison | None
    refused: str = ""

    def flagged(self, detector: str) -> Flagged | None:
        """What that detector saw, where it is known."""
        told = () if self.comparison is None else self.comparison.flagged
        return next((one for one in told if one.detector == detector), None)


def compared(showing: Showing, chosen: Chosen) -> tuple[Compared, ...]:
    """By plan, the newest first."""
    plans = showing.store.series.rows(
        f"SELECT plan, max(last_ns), sum(rows) {SLOTS} GROUP BY plan ORDER BY 2 DESC", given(chosen)
    )
    return tuple(_compared(showing, chosen, *plan) for plan in plans)


def _compared(showing: Showing, chosen: Chosen, plan: str, last_ns: int, rows: int) -> Compared:
    panes = showing.panes
    try:
        whole = panes.add(list(_summaries(showing, chosen, plan)))
        found = panes.compare(chosen.model, plan, chosen.segment, whole)
    except ArtifactError as exc:
        return Compared(plan, last_ns, rows, None, str(exc))
    return Compared(plan, last_ns, rows, found)


def _summaries(showing: Showing, chosen: Chosen, plan: str) -> Iterator[bytes]:
    asked = given(chosen) | {"plan": plan}
    for (summary,) in showing.store.series.rows(f"SELECT summary {SLOTS} AND plan = :plan", asked):
        yield summary
