"""All that the page of strange rows tells of a stretch of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sidelight_dashboard.chosen import Chosen
from sidelight_dashboard.comparing.compared import Compared, compared
from sidelight_dashboard.outliers.chance import Ordinary, is_beyond, p_value
from sidelight_dashboard.outliers.flaggers import Flagger, configured, flagger_of
from sidelight_dashboard.outliers.p_values import PValues, p_values
from sidelight_dashboard.outliers.rates import Stretch, stretches
from sidelight_dashboard.outliers.strange import Blame, Order, Search, StrangeRow, blamed
from sidelight_dashboard.showing import Showing

BLAMED_ROWS = 1000
"""Of so many rows, the newest, it is told which columns are to blame."""

Verdict = Literal["above chance", "as expected", "not compared", "no rows", "a sample"]


@dataclass(frozen=True)
class Rate:
    """Flagged rows of one detector beside how many of ordinary rows would be.

    `rows` is None where only flagged rows are told. `expected` and `bound` are shares of ordinary
    rows; `chance` is that of so many flagged rows or more, when ordinary rows are flagged at
    `bound`, or where that is not known at `expected`.
    """

    detector: Flagger
    method: str
    rows: int | None
    flagged: int
    told: int
    expected: float | None
    bound: float | None
    chance: float | None
    verdict: Verdict

    @property
    def share(self) -> float | None:
        return self.flagged / self.rows if self.rows else None


@dataclass(frozen=True)
class Strange:
    """`rates` of all detectors that flag rows; the rest is of `detector`, empty where none does.

    `refused` says why rows of a plan could not be compared.
    """

    detector: str
    rates: tuple[Rate, ...]
    stretches: tuple[Stretch, ...]
    p_values: PValues | None
    blamed: tuple[Blame, ...]
    rows: tuple[StrangeRow, ...]
    refused: tuple[str, ...]

    @property
    def rate(self) -> Rate | None:
        """That of the detector that is told of."""
        return next((one for one in self.rates if one.detector.name == self.detector), None)


def strange(
    showing: Showing, chosen: Chosen, wanted: str, order: Order, first: int, most: int
) -> Strange:
    """Of the `wanted` detector, else of the first that flags rows."""
    flaggers = _flaggers(showing, chosen)
    detector = wanted or (flaggers[0].name if flaggers else "")
    plans = compared(showing, chosen)
    search = _search(chosen, detector)
    return Strange(
        detector,
        tuple(_rate(showing, chosen, flagger, plans) for flagger in flaggers),
        over_time(showing, chosen, detector, plans),
        p_values(chosen, detector, plans),
        blamed(search.rows(showing, "newest", BLAMED_ROWS)),
        tuple(search.rows(showing, order, most, first)),
        tuple(plan.refused for plan in plans if plan.refused),
    )


def over_time(
    showing: Showing, chosen: Chosen, detector: str, plans: Sequence[Compared]
) -> tuple[Stretch, ...]:
    """Its flagged rows over time; nothing where its rows are not counted."""
    if not flagger_of(detector).is_counted:
        return ()
    return stretches(showing.store, chosen, detector, _ordinary(chosen, detector, plans))


def _flaggers(showing: Showing, chosen: Chosen) -> tuple[Flagger, ...]:
    """Those that are configured, then others that flagged rows."""
    known = configured(showing.settings.models[chosen.model])
    told = showing.store.series.rows(
        "SELECT DISTINCT detector FROM flagged WHERE model = ? ORDER BY 1", (chosen.model,)
    )
    others = {name for (name,) in told} - {one.name for one in known}
    return (*known, *map(flagger_of, sorted(others)))


def _ordinary(chosen: Chosen, detector: str, plans: Sequence[Compared]) -> Mapping[str, Ordinary]:
    """By plan. Of a segment nothing is promised: rare rows are flagged more often in calm, too."""
    if chosen.segment:
        return {}
    found = {plan.plan: plan.flagged(detector) for plan in plans}
    return {plan: Ordinary(one.expected_rate, one.rate_bound) for plan, one in found.items() if one}


def _rate(showing: Showing, chosen: Chosen, flagger: Flagger, plans: Sequence[Compared]) -> Rate:
    told = _search(chosen, flagger.name).count(showing.store)
    if not flagger.is_counted:
        verdict: Verdict = "a sample" if told else "no rows"
        return Rate(flagger, "", None, told, told, None, None, None, verdict)
    over = over_time(showing, chosen, flagger.name, plans)
    rows, flagged = sum(one.rows for one in over), sum(one.flagged for one in over)
    ordinary = _mean(over, _ordinary(chosen, flagger.name, plans))
    method = next((one.method for plan in plans if (one := plan.flagged(flagger.name))), "")
    if not rows or ordinary is None:
        verdict = "not compared" if rows else "no rows"
        return Rate(flagger, method, rows, flagged, told, None, None, None, verdict)
    expected, bound = ordinary.rate, ordinary.bound
    chance = p_value(flagged, rows, ordinary.most)
    verdict = "above chance" if is_beyond(flagged, rows, ordinary) else "as expected"
    return Rate(flagger, method, rows, flagged, told, expected, bound, chance, verdict)


def _mean(over: Sequence[Stretch], ordinary: Mapping[str, Ordinary]) -> Ordinary | None:
    """Averaged over rows of all plans, so that the test errs on the safe side (Hoeffding, Ann.
    Math. Stat. 1956, theorem 4); None where a plan's rate is not known."""
    if not over or any(one.plan not in ordinary for one in over):
        return None
    rows = sum(one.rows for one in over)
    rate = sum(one.rows * ordinary[one.plan].rate for one in over) / rows
    most = sum(one.rows * ordinary[one.plan].most for one in over) / rows
    has_bound = any(ordinary[one.plan].bound is not None for one in over)
    return Ordinary(rate, most if has_bound else None)


def _search(chosen: Chosen, detector: str) -> Search:
    return Search(chosen.model, detector, chosen.begin_ns, chosen.end_ns, chosen.version)
