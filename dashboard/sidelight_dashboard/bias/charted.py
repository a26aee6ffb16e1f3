"""The page's charts, as figures that the API serves."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query

from sidelight_dashboard.bias.calibration import calibration
from sidelight_dashboard.bias.figures import Charts
from sidelight_dashboard.bias.findings import Bias
from sidelight_dashboard.bias.told import Teller
from sidelight_dashboard.bias.windows import (
    CAME_TRUE,
    DECISIONS,
    ESTIMATED,
    FLIPS,
    REALISED,
    Source,
)
from sidelight_dashboard.chosen import Asked, chosen
from sidelight_dashboard.drawing.backdrop import backdrop
from sidelight_dashboard.drawing.figures import Figure
from sidelight_dashboard.refusals import NotFound
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.words.groups import Unit
from sidelight_dashboard.words.wording import Wording

Groups = Annotated[
    Literal["decisions", "came_true"],
    Query(alias="by", description="By decisions alone, or by what came true of them."),
]
Name = Annotated[str, Query(max_length=512)]
Asking = Annotated[Asked, Depends()]

_GROUPS: dict[str, Source[Bias]] = {"decisions": DECISIONS, "came_true": CAME_TRUE}


def charts_router(showing: Showing) -> APIRouter:
    """Below the address of the page's part of the API."""
    router = APIRouter(prefix="/api/models/{model:path}/bias", tags=["Bias"])
    _of_groups(router, showing)
    _of_evidence(router, showing)
    _of_labels(router, showing)
    _of_estimates(router, showing)
    _of_flips(router, showing)
    return router


def _of_groups(router: APIRouter, showing: Showing) -> None:
    @router.get("/gaps", summary="Groups beside each other, as a chart")
    def gaps(model: str, asked: Asking, by: Groups = "decisions", unit: Unit = "share") -> Figure:
        found = _teller(showing, model, asked).part(_GROUPS[by]).found
        if found is None:
            raise _nothing(model, _GROUPS[by])
        return Charts(_wording(showing, model)).gaps(found, unit)

    @router.get("/gap", summary="One gap over time, as a chart")
    def gap(
        model: str,
        asked: Asking,
        metric: Name,
        attribute: Name,
        group: Name,
        by: Groups = "decisions",
    ) -> Figure:
        teller, source = _teller(showing, model, asked), _GROUPS[by]
        drawn = teller.drawn(source)
        return _charts(teller, source).gap(drawn, (metric, attribute, group))


def _of_evidence(router: APIRouter, showing: Showing) -> None:
    @router.get("/evidence", summary="Evidence for an alarm over time, as a chart")
    def evidence(model: str, asked: Asking, by: Groups = "decisions") -> Figure:
        teller, source = _teller(showing, model, asked), _GROUPS[by]
        return _charts(teller, source).evidence(teller.drawn(source))


def _of_labels(router: APIRouter, showing: Showing) -> None:
    @router.get("/coverage", summary="Rows with a label over time, as a chart")
    def coverage(model: str, asked: Asking) -> Figure:
        teller = _teller(showing, model, asked)
        labels = showing.settings.models[model].detectors.labels
        least = labels.min_coverage if labels else None
        return _charts(teller, REALISED).coverage(teller.drawn(REALISED), least)

    @router.get("/realised", summary="Performance by labels over time, as a chart")
    def realised(model: str, asked: Asking, metric: Name) -> Figure:
        teller = _teller(showing, model, asked)
        return _charts(teller, REALISED).realised(teller.drawn(REALISED), metric)

    @router.get("/calibration", summary="Probabilities beside what came true, as a chart")
    def calibrated(model: str, asked: Asking) -> Figure:
        found = _teller(showing, model, asked).part(REALISED).found
        if found is None:
            raise _nothing(model, REALISED)
        return calibration(found)


def _of_estimates(router: APIRouter, showing: Showing) -> None:
    @router.get("/estimated", summary="Performance without labels over time, as a chart")
    def estimated(model: str, asked: Asking, metric: Name) -> Figure:
        teller = _teller(showing, model, asked)
        return _charts(teller, ESTIMATED).estimated(teller.drawn(ESTIMATED), metric)


def _of_flips(router: APIRouter, showing: Showing) -> None:
    @router.get("/flips", summary="Decisions that change with the group, as a chart")
    def flips(model: str, asked: Asking) -> Figure:
        found = _teller(showing, model, asked).part(FLIPS).found
        if found is None:
            raise _nothing(model, FLIPS)
        return Charts(_wording(showing, model)).flips(found)

    @router.get("/flip", summary="The same of one pair over time, as a chart")
    def flip(model: str, asked: Asking, attribute: Name, group: Name, other: Name) -> Figure:
        teller = _teller(showing, model, asked)
        return _charts(teller, FLIPS).flip(teller.drawn(FLIPS), (attribute, group, other))


def _teller(showing: Showing, model: str, asked: Asked) -> Teller:
    return Teller(showing, chosen(showing, model, asked))


def _charts(teller: Teller, source: Source[Any]) -> Charts:
    """Upon the alarms of that detector."""
    behind = backdrop(teller.showing.store, teller.chosen, (source.detector,))
    return Charts(_wording(teller.showing, teller.chosen.model), behind)


def _wording(showing: Showing, model: str) -> Wording:
    return Wording(showing.settings.models[model].glossary)


def _nothing(model: str, source: Source[Any]) -> NotFound:
    return NotFound(
        f"no window of {source.detector!r} of model {model!r} was judged in this stretch of time"
    )
