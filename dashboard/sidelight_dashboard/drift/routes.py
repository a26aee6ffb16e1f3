"""Its page and its part of the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse

from sidelight.serving.answers import json_answer
from sidelight_dashboard.chosen import Asked, chosen
from sidelight_dashboard.comparing.compared import Compared, compared
from sidelight_dashboard.drift.charts import distribution_of, jointly_of, over_time_of, ranked_of
from sidelight_dashboard.drift.comparisons import Comparisons
from sidelight_dashboard.drift.jointly import JOINT
from sidelight_dashboard.drift.links import Measure, Rows, Shown
from sidelight_dashboard.drift.paging import told_on_page
from sidelight_dashboard.drift.told import Drift, drift
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.web.pages import Pages


@dataclass(frozen=True)
class AskedDrift(Asked):
    """What pages of drift may be asked beside that."""

    feature: str = Query(
        "", max_length=512, description="A watched column; by default the one that changed most."
    )
    against: str = Query(
        "", max_length=256, description="Another version, to compare with instead."
    )
    measure: Annotated[
        Measure,
        Query(description="What is drawn over time; evidence is of all columns together."),
    ] = "effect"
    rows: Annotated[
        Rows, Query(description="Judged: those of the newest window, or all of them together.")
    ] = "newest"


Detector = Annotated[str, Query(max_length=200, description="`joint`, or `alibi:` and a name.")]
Asks = Annotated[AskedDrift, Depends()]


def router(showing: Showing, pages: Pages) -> APIRouter:
    router = APIRouter(tags=["Drift"])

    def shown(model: str, asked: AskedDrift) -> Shown:
        what = (asked.against, asked.feature, asked.measure, asked.rows)
        return Shown(chosen(showing, model, asked), *what)

    @router.get("/models/{model:path}/drift", summary="What changed", response_class=HTMLResponse)
    def page(request: Request, model: str, asked: Asks) -> HTMLResponse:
        told = told_on_page(showing, shown(model, asked))
        return pages.answer(request, "drift/page.html", told)

    @router.get(
        "/api/models/{model:path}/drift",
        summary="Columns by how surely they changed",
        response_model=Drift,
    )
    def told(model: str, asked: Asks) -> Response:
        return json_answer(drift(Comparisons(showing, shown(model, asked))))

    @router.get(
        "/api/models/{model:path}/drift/compare",
        summary="All rows of any stretch of time beside their reference, plan by plan",
        response_model=list[Compared],
    )
    def compare(model: str, asked: Annotated[Asked, Depends()]) -> Response:
        return json_answer(compared(showing, chosen(showing, model, asked)))

    @router.get("/api/models/{model:path}/drift/ranked", summary="What changed most, as a chart")
    def ranked(model: str, asked: Asks) -> Response:
        return json_answer(ranked_of(showing, shown(model, asked)))

    @router.get(
        "/api/models/{model:path}/drift/over-time", summary="A column over time, as a chart"
    )
    def over(model: str, asked: Asks) -> Response:
        return json_answer(over_time_of(showing, shown(model, asked)))

    @router.get(
        "/api/models/{model:path}/drift/distribution",
        summary="A column's values, reference and current, as a chart",
    )
    def distribution(model: str, asked: Asks) -> Response:
        return json_answer(distribution_of(showing, shown(model, asked)))

    @router.get(
        "/api/models/{model:path}/drift/jointly",
        summary="A detector that judges all columns together, over time, as a chart",
    )
    def together(
        model: str, asked: Annotated[Asked, Depends()], detector: Detector = JOINT
    ) -> Response:
        return json_answer(jointly_of(showing, chosen(showing, model, asked), detector))

    return router
