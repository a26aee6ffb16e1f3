"""The slots of a stretch of time, summed plan by plan, beside their references.

Slots are counted whole, so a stretch reaches from the begin of its first slot to the end of its
last. Of a model with segments each slot is of one segment, and all rows are the sum over them.
Columns that redaction drops now are left out, though an older plan may have counted them; values of
others are told as they would be logged now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

from sidelight.errors import ArtifactError
from sidelight.panes import Column, Comparison, Flagged
from sidelight_dashboard.chosen import Chosen
from sidelight_dashboard.hiding import hidden_of
from sidelight_dashboard.redacting import redaction_of
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.times import DAY_NS

SLOTS = """FROM slot WHERE model = :model AND version = :version
 AND (segment = :segment OR :segment = '') AND first_ns <= :end AND last_ns >= :begin"""
"""The slots of a stretch, asked with what is `given`."""


def given(chosen: Chosen) -> Mapping[str, str | int]:
    """What `SLOTS` asks for."""
    return {
        "model": chosen.model,
        "version": chosen.version,
        "segment": chosen.segment,
        "begin": chosen.begin_ns,
        "end": chosen.end_ns,
    }


@dataclass(frozen=True)
class Compared:
    """Rows of one plan, with the event times of the first and last slot.

    `refused` says why there is no comparison.
    """

    plan: str
    first_ns: int
    last_ns: int
    rows: int
    comparison: Comparison | None
    refused: str = ""

    def column(self, name: str) -> Column | None:
        """That column beside its reference, where it is known."""
        told = () if self.comparison is None else self.comparison.columns
        return next((one for one in told if one.name == name), None)

    def flagged(self, detector: str) -> Flagged | None:
        """What that detector saw, where it is known."""
        told = () if self.comparison is None else self.comparison.flagged
        return next((one for one in told if one.detector == detector), None)


def compared(showing: Showing, chosen: Chosen) -> tuple[Compared, ...]:
    """By plan, the newest first."""
    plans = showing.store.series.rows(
        f"SELECT plan, min(first_ns), max(last_ns), sum(rows) {SLOTS} GROUP BY plan"
        " ORDER BY max(last_ns) DESC",
        dict(given(chosen)),
    )
    return tuple(_compared(showing, chosen, *plan) for plan in plans)


def _compared(
    showing: Showing, chosen: Chosen, plan: str, first_ns: int, last_ns: int, rows: int
) -> Compared:
    try:
        comparison = _comparison(showing, chosen, plan)
    except ArtifactError as exc:
        return Compared(plan, first_ns, last_ns, rows, None, str(exc))
    hidden = hidden_of(showing.settings.models[chosen.model])
    redaction = redaction_of(showing.settings.models[chosen.model])
    shown = (one for one in comparison.columns if one.name not in hidden)
    columns = tuple(map(redaction.compared, shown))
    return Compared(plan, first_ns, last_ns, rows, replace(comparison, columns=columns))


Asked = dict[str, str | int]
"""What `SLOTS` asks for, and the plan."""

_ON_A_DAY = f"{SLOTS} AND plan = :plan AND begin_ns / {DAY_NS}"


def _comparison(showing: Showing, chosen: Chosen, plan: str) -> Comparison:
    """Day by day; remembered as long as the slots of each stay as they are."""
    asked: Asked = {**given(chosen), "plan": plan}
    about = (chosen.model, chosen.version, chosen.segment, plan)
    days = _days(showing, asked)

    def made() -> Comparison:
        sums = [
            showing.sums.of((*about, *day), partial(_sum_of_day, showing, {**asked, "day": day[0]}))
            for day in days
        ]
        whole = showing.panes.add(sums)
        return showing.panes.compare(chosen.model, plan, chosen.segment, whole)

    return showing.comparisons.of((*about, *chain.from_iterable(days)), made)


def _days(showing: Showing, asked: Asked) -> list[tuple[int, ...]]:
    """Each with what tells its slots in the stretch from others."""
    return showing.store.series.rows(
        f"SELECT begin_ns / {DAY_NS}, count(*), sum(rows), min(first_ns), max(last_ns)"
        f" {SLOTS} AND plan = :plan GROUP BY 1",
        asked,
    )


def _sum_of_day(showing: Showing, asked: Asked) -> bytes:
    found = showing.store.series.rows(f"SELECT summary {_ON_A_DAY} = :day", asked)
    return showing.panes.add([summary for (summary,) in found])
