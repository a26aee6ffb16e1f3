"""Its page and its part of the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse

from sidelight.serving.answers import json_answer
from sidelight_dashboard.backdrop import backdrop
from sidelight_dashboard.chosen import Asked, Chosen, chosen
from sidelight_dashboard.compared import Compared, compared
from sidelight_dashboard.drift import windows, words
from sidelight_dashboard.drift.figures import (
    chosen_span,
    distribution_figure,
    effect_figure,
    evidence_figure,
    p_value_figure,
    ranked_figure,
)
from sidelight_dashboard.drift.links import Links, Measure
from sidelight_dashboard.drift.told import Drift, drift
from sidelight_dashboard.figures import Figure, Shape
from sidelight_dashboard.refusals import NotFound
from sidelight_dashboard.rows.wording import Wording
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.web.pages import Pages

Drawn = Annotated[
    Measure,
    Query(description="What is drawn over time; evidence is of all columns together"),
]


@dataclass(frozen=True)
class AskedDrift(Asked):
    """What pages of drift may be asked beside that."""

    feature: str = Query(
        "", max_length=512, description="A watched column; by default the one that changed most."
    )
    against: str = Query(
        "", max_length=256, description="Another version, to compare with instead."
    )


Asks = Annotated[AskedDrift, Depends()]


@dataclass(frozen=True)
class Shown:
    """What one request is shown."""

    chosen: Chosen
    against: str
    feature: str


def router(showing: Showing, pages: Pages) -> APIRouter:
    router = APIRouter(tags=["Drift"])

    def shown(model: str, asked: AskedDrift) -> Shown:
        return Shown(chosen(showing, model, asked), asked.against, asked.feature)

    @router.get("/models/{model}/drift", summary="What changed", response_class=HTMLResponse)
    def page(request: Request, model: str, asked: Asks, measure: Drawn = "effect") -> HTMLResponse:
        told = page_of(showing, shown(model, asked), measure)
        return pages.answer(request, "drift/page.html", told)

    @router.get(
        "/api/models/{model}/drift",
        summary="Columns by how surely they changed: newest window, and all rows together",
        response_model=Drift,
    )
    def told(model: str, asked: Asks) -> Response:
        return json_answer(drift(showing, chosen(showing, model, asked), asked.against))

    @router.get(
        "/api/models/{model}/drift/compare",
        summary="All rows of any stretch of time beside their reference, plan by plan",
        response_model=list[Compared],
    )
    def compare(model: str, asked: Annotated[Asked, Depends()]) -> Response:
        return json_answer(compared(showing, chosen(showing, model, asked)))

    @router.get("/api/models/{model}/drift/ranked", summary="What changed most, as a chart")
    def ranked(model: str, asked: Asks) -> Response:
        return json_answer(ranked_of(showing, shown(model, asked)))

    @router.get("/api/models/{model}/drift/over-time", summary="A column over time, as a chart")
    def over(model: str, asked: Asks, measure: Drawn = "effect") -> Response:
        return json_answer(over_time_of(showing, shown(model, asked), measure))

    @router.get(
        "/api/models/{model}/drift/distribution",
        summary="A column's values, reference and current, as a chart",
    )
    def distribution(model: str, asked: Asks) -> Response:
        return json_answer(distribution_of(showing, shown(model, asked)))

    return router


def page_of(showing: Showing, asked: Shown, measure: Measure) -> dict[str, Any]:
    """What the page tells."""
    found = drift(showing, asked.chosen, asked.against)
    feature = found.column(asked.feature)
    name = feature.name if feature else asked.feature
    model = showing.settings.models[asked.chosen.model]
    around = windows.with_context(showing.store, asked.chosen, asked.against)
    points = windows.points(showing.store, around, asked.against, name) if feature else []
    column = next((one.column(name) for one in found.whole if one.column(name)), None)
    return {
        "chosen": asked.chosen,
        "told": found,
        "feature": feature,
        "column": column,
        "points": points,
        "bars": list(
            zip(words.bar_names(column, Wording(model.glossary)), column.bars, strict=True)
        )
        if column
        else [],
        "others": windows.compared_with(showing.store, asked.chosen),
        "links": Links(asked.chosen, asked.against, name, measure),
        "wording": Wording(model.glossary),
        "is_watched": model.detectors.drift is not None,
        "window_rows": model.detectors.drift.window if model.detectors.drift else 0,
        "words": words,
    }


def ranked_of(showing: Showing, asked: Shown) -> Figure:
    """The columns that changed most, each leading to itself."""
    found = drift(showing, asked.chosen, asked.against)
    links = Links(asked.chosen, asked.against, "", "effect")
    addresses = [links.with_feature(one.name) for one in found.columns]
    return ranked_figure(found.columns, addresses, found.tolerance)


def distribution_of(showing: Showing, asked: Shown) -> Figure:
    """A column under the newest plan that has it; `NotFound` where none has."""
    columns = (one.column(asked.feature) for one in compared(showing, asked.chosen))
    column = next((one for one in columns if one is not None), None)
    if column is None:
        raise NotFound(
            f"column {asked.feature!r} of model {asked.chosen.model!r} has not been compared in"
            " this stretch of time; name another with 'feature'"
        )
    return distribution_figure(
        column, Wording(showing.settings.models[asked.chosen.model].glossary)
    )


def over_time_of(showing: Showing, asked: Shown, measure: Measure) -> Figure:
    """One column, or the alarm's evidence, beside its threshold, with what happened behind it."""
    store = showing.store
    around = windows.with_context(store, asked.chosen, asked.against)
    behind = _behind(showing, asked, around)
    if measure == "evidence":
        return evidence_figure(windows.windows(store, around, asked.against), behind)
    links = Links(asked.chosen, asked.against, asked.feature, measure)
    found = windows.points(store, around, asked.against, asked.feature)
    draw = effect_figure if measure == "effect" else p_value_figure
    return draw(found, links.window, behind)


def _behind(showing: Showing, asked: Shown, around: Chosen) -> list[Shape]:
    behind = backdrop(showing.store, around, (windows.detector_of(asked.against),))
    if around != asked.chosen:
        behind.append(chosen_span(asked.chosen.begin_ns, asked.chosen.end_ns))
    return behind
