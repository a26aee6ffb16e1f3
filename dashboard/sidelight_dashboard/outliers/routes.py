"""Its page and its part of the API."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse

from sidelight.serving.answers import json_answer
from sidelight_dashboard.chosen import Asked, Chosen, chosen
from sidelight_dashboard.comparing.compared import compared
from sidelight_dashboard.drawing.backdrop import backdrop
from sidelight_dashboard.links import query
from sidelight_dashboard.outliers.figures import p_value_figure, rate_figure
from sidelight_dashboard.outliers.p_values import p_values
from sidelight_dashboard.outliers.rates import Stretch
from sidelight_dashboard.outliers.reasons import reasons, violation
from sidelight_dashboard.outliers.strange import Order, column_of
from sidelight_dashboard.outliers.told import BLAMED_ROWS, Strange, over_time, strange
from sidelight_dashboard.refusals import NotFound
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.times import iso
from sidelight_dashboard.web.pages import Pages
from sidelight_dashboard.words.wording import Wording

ROWS = 20
"""Of one page."""

Detector = Annotated[
    str,
    Query(max_length=200, description="Of those that flag rows; by default the first configured."),
]
Sorted = Annotated[Order, Query(alias="order", description="The worst, or the newest, first.")]
First = Annotated[int, Query(ge=0, le=100_000, description="Rows to pass over.")]
Most = Annotated[int, Query(ge=1, le=500, description="Rows to tell.")]


def router(showing: Showing, pages: Pages) -> APIRouter:
    router = APIRouter(tags=["Outliers"])
    _page(router, showing, pages)
    _told(router, showing)
    _charts(router, showing)
    return router


def _page(router: APIRouter, showing: Showing, pages: Pages) -> None:
    @router.get(
        "/models/{model:path}/outliers", summary="Strange rows", response_class=HTMLResponse
    )
    def page(
        request: Request,
        model: str,
        asked: Annotated[Asked, Depends()],
        detector: Detector = "",
        order: Sorted = "worst",
        first: First = 0,
    ) -> HTMLResponse:
        shown = chosen(showing, model, asked)
        told = strange(showing, shown, detector, order, first, ROWS)
        wording = Wording(showing.settings.models[model].glossary)
        words = {
            "chosen": shown,
            "told": told,
            "order": order,
            "first": first,
            "most": ROWS,
            "rows": list(zip(told.rows, reasons(showing, model, told.rows), strict=True)),
            "blamed": [(*_worded(wording, one.what), one.rows) for one in told.blamed],
            "blamed_rows": BLAMED_ROWS,
            "query": partial(shown.asking, detector=told.detector, order=order),
        }
        return pages.answer(request, "outliers/page.html", words)


def _told(router: APIRouter, showing: Showing) -> None:
    @router.get(
        "/api/models/{model:path}/outliers",
        summary="Rates, p-values, and the worst or newest flagged rows",
        response_model=Strange,
    )
    def told(
        model: str,
        asked: Annotated[Asked, Depends()],
        detector: Detector = "",
        order: Sorted = "worst",
        first: First = 0,
        most: Most = 100,
    ) -> Response:
        shown = chosen(showing, model, asked)
        return json_answer(strange(showing, shown, detector, order, first, most))


def _charts(router: APIRouter, showing: Showing) -> None:
    @router.get(
        "/api/models/{model:path}/outliers/rate", summary="Flagged rows over time, as a chart"
    )
    def rate(
        model: str, asked: Annotated[Asked, Depends()], detector: Detector = "outlier"
    ) -> Response:
        shown = chosen(showing, model, asked)
        over = over_time(showing, shown, detector, compared(showing, shown))
        addresses = _addresses(shown, detector, over)
        behind = backdrop(showing.store, shown, (detector, "drift"))
        return json_answer(rate_figure(over, addresses, behind))

    @router.get(
        "/api/models/{model:path}/outliers/p-values", summary="P-values of rows, as a chart"
    )
    def histogram(
        model: str, asked: Annotated[Asked, Depends()], detector: Detector = "outlier"
    ) -> Response:
        shown = chosen(showing, model, asked)
        found = p_values(shown, detector, compared(showing, shown))
        if found is None:
            raise NotFound(
                f"there are no p-values of {detector!r} of model {model!r} in this stretch of time"
            )
        return json_answer(p_value_figure(found))


def _addresses(shown: Chosen, detector: str, over: Sequence[Stretch]) -> list[str]:
    """The same page of each stretch alone."""
    own = {"detector": detector, "version": shown.version, "segment": shown.segment}
    return [
        "?" + query(**own, **{"from": iso(one.begin_ns), "to": iso(one.end_ns - 1)}) for one in over
    ]


def _worded(wording: Wording, what: str) -> tuple[str, str]:
    """A column, and what is wrong with it where that was told."""
    column, wrong = violation(what) if column_of(what) else (what, "")
    return wording.column(column), wrong
