"""Its page and its part of the API."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from sidelight_dashboard.alarms.naming import title_of
from sidelight_dashboard.alarms.told import Alarm, Search
from sidelight_dashboard.alarms.words import suspect_words
from sidelight_dashboard.bias.charted import charts_router
from sidelight_dashboard.bias.focus import Focus, units_of
from sidelight_dashboard.bias.told import Teller, Told
from sidelight_dashboard.bias.windows import CAME_TRUE, DECISIONS, ESTIMATED, FLIPS, REALISED
from sidelight_dashboard.bias.words import Saying, favourable
from sidelight_dashboard.chosen import Asked, Chosen, chosen
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.web.pages import Pages
from sidelight_dashboard.words.wording import Wording

RECENT = 30
"""Windows that the page tells as a table; the chart and the API have more."""
FIRST_GAPS, MOST_GAPS = 15, 200
"""Gaps that the page tells at once, and unfolded, the worst first; the API has all."""
MOST_ALARMS = 20

Recent = Annotated[
    int, Query(ge=0, le=300, description="So many of each detector's newest windows.")
]

_DETECTORS = {one.detector for one in (DECISIONS, CAME_TRUE, REALISED, ESTIMATED, FLIPS)}


def router(showing: Showing, pages: Pages) -> APIRouter:
    router = APIRouter(tags=["Bias"])

    @router.get(
        "/models/{model:path}/bias", summary="Groups and labels", response_class=HTMLResponse
    )
    def page(
        request: Request,
        model: str,
        asked: Annotated[Asked, Depends()],
        focus: Annotated[Focus, Depends()],
    ) -> HTMLResponse:
        shown = chosen(showing, model, asked)
        told = Teller(showing, shown).all(RECENT)
        words = {
            "chosen": shown,
            "told": told,
            "alarms": _open_alarms(showing, shown),
            "focus": _focused(focus, told),
            "query": shown.asking,
        }
        return pages.answer(request, "bias/page.html", words | _words(showing, model))

    @router.get("/api/models/{model:path}/bias", summary="Groups, labels, performance, flips")
    def told(model: str, asked: Annotated[Asked, Depends()], recent: Recent = 0) -> Told:
        return Teller(showing, chosen(showing, model, asked)).all(recent)

    router.include_router(charts_router(showing))
    return router


def _focused(focus: Focus, told: Told) -> dict[str, Any]:
    return {
        "decisions": focus.gap("decisions", told.decisions),
        "came_true": focus.gap("came_true", told.came_true),
        "realised": focus.realised(told.realised),
        "estimated": focus.estimated(told.estimated),
        "flips": focus.flip(told.flips),
    }


def _words(showing: Showing, model: str) -> dict[str, Any]:
    """What the template needs of the configuration, and to say it."""
    settings = showing.settings.models[model]
    wording, outcome, bias = Wording(settings.glossary), settings.outcome, settings.detectors.bias
    return {
        "settings": settings,
        "listen": showing.settings.detectors.listen,
        "say": Saying(wording),
        "favourable": favourable(outcome, bias.also_favorable if bias else {}, wording),
        "outcome_is_number": outcome is not None and outcome.kind == "regression",
        "title_of": title_of,
        "suspect_words": suspect_words,
        "units_of": units_of,
        "first_gaps": FIRST_GAPS,
        "most_gaps": MOST_GAPS,
    }


def _open_alarms(showing: Showing, shown: Chosen) -> list[Alarm]:
    """Of this page's detectors, on the chosen version or on all."""
    found = Search(model=shown.model, state="raised").rows(showing, 1000)
    own = [one for one in found if one.detector in _DETECTORS]
    return [one for one in own if one.version in (shown.version, "")][:MOST_ALARMS]
