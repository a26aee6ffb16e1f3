"""What each chart of the page is asked for, drawn from the store."""

from __future__ import annotations

from sidelight_dashboard.chosen import Chosen
from sidelight_dashboard.drawing.backdrop import backdrop
from sidelight_dashboard.drawing.evidence import evidence_figure
from sidelight_dashboard.drawing.figures import Figure, Shape, after_reference
from sidelight_dashboard.drift import jointly, windows
from sidelight_dashboard.drift.bars import distribution_figure, ranked_figure
from sidelight_dashboard.drift.comparisons import Comparisons
from sidelight_dashboard.drift.lines import (
    chosen_span,
    effect_figure,
    p_value_figure,
    statistic_figure,
)
from sidelight_dashboard.drift.links import Links, Shown
from sidelight_dashboard.drift.told import course, drift
from sidelight_dashboard.refusals import NotFound
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.words.wording import Wording


def ranked_of(showing: Showing, asked: Shown) -> Figure:
    """The columns that changed most, each leading to itself."""
    found = drift(Comparisons(showing, asked))
    links = Links(asked)
    addresses = [links.with_feature(one.name) for one in found.columns]
    return ranked_figure(found.columns, addresses, found.tolerance)


def distribution_of(showing: Showing, asked: Shown) -> Figure:
    """A column under the newest plan that has it; `NotFound` where none has."""
    compared = Comparisons(showing, asked).holding(asked.feature, asked.rows)
    column = compared.column(asked.feature) if compared else None
    if column is None:
        raise NotFound(
            f"column {asked.feature!r} of model {asked.chosen.model!r} has not been compared in"
            " this stretch of time; name another with 'feature'"
        )
    return distribution_figure(
        column, Wording(showing.settings.models[asked.chosen.model].glossary)
    )


def over_time_of(showing: Showing, asked: Shown) -> Figure:
    """One column, or the alarm's evidence, beside its threshold, with what happened behind it."""
    store = showing.store
    around = windows.with_context(store, asked.chosen, asked.against)
    behind = _behind(showing, asked, around)
    if asked.measure == "evidence":
        return evidence_figure(windows.windows(store, around, asked.against), behind)
    found = course(showing, around, asked.against, asked.feature)
    if asked.measure == "p-value":
        return p_value_figure(found, Links(asked).window, behind)
    figure = effect_figure(found, Links(asked).window, behind)
    return figure if asked.against else after_reference(figure, 0.0)


def jointly_of(showing: Showing, shown: Chosen, detector: str) -> Figure:
    """A detector that judges all columns together, over time."""
    around = windows.with_context(showing.store, shown, "", detector)
    found = jointly.course(showing, around, detector)
    behind = backdrop(showing.store, around, (detector,))
    told_by = jointly.told_by_of(found[-1]) if found else "effect"
    return _DRAWN[told_by](found, Links(Shown(shown)).window, behind)


_DRAWN = {"effect": effect_figure, "p-value": p_value_figure, "statistic": statistic_figure}


def _behind(showing: Showing, asked: Shown, around: Chosen) -> list[Shape]:
    behind = backdrop(showing.store, around, (windows.detector_of(asked.against),))
    if around != asked.chosen:
        behind.append(chosen_span(asked.chosen.begin_ns, asked.chosen.end_ns))
    return behind
