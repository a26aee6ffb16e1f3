"""Their page and their part of the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse

from sidelight.errors import SidelightError
from sidelight.serving.answers import json_answer
from sidelight.tensors import Column
from sidelight_dashboard.attacks.changes import difference
from sidelight_dashboard.attacks.episodes import Episode, episode, episodes, stretch
from sidelight_dashboard.attacks.figures import answers_figure, watched_output
from sidelight_dashboard.attacks.looked import Looked, looked
from sidelight_dashboard.attacks.sequence import Against, Sequenced, read, sequence
from sidelight_dashboard.chosen import Asked, Chosen, check_model, chosen
from sidelight_dashboard.exchanges.opening import OpenedRow
from sidelight_dashboard.exchanges.pictures import png
from sidelight_dashboard.hiding import hidden_of
from sidelight_dashboard.refusals import NotFound
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.web.pages import Pages

Held = Annotated[Against, Query(alias="against", description="What each query is held against.")]


@dataclass(frozen=True)
class Attacks:
    """What was looked at in the time from `begin_ns` to `end_ns`, and the attacks on any version
    that had queries in it."""

    begin_ns: int
    end_ns: int
    looked: Looked
    episodes: tuple[Episode, ...]


@dataclass(frozen=True)
class AttackTold:
    """One attack, query by query."""

    episode: Episode
    sequence: Sequenced


def router(showing: Showing, pages: Pages) -> APIRouter:
    router = APIRouter(tags=["Attacks"])
    _page(router, showing, pages)
    _told(router, showing)
    _drawn(router, showing)
    return router


def _page(router: APIRouter, showing: Showing, pages: Pages) -> None:
    @router.get(
        "/models/{model:path}/attacks",
        summary="Attacks across queries",
        response_class=HTMLResponse,
    )
    def page(
        request: Request,
        model: str,
        asked: Annotated[Asked, Depends()],
        episode_id: Annotated[
            str, Query(alias="episode", max_length=200, description="Opened; its alarm's id.")
        ] = "",
        against: Held = "previous",
    ) -> HTMLResponse:
        shown = chosen(showing, model, asked)
        told = _attacks(showing, shown)
        found = episode_id or (told.episodes[0].id if len(told.episodes) == 1 else "")
        opened = episode(showing.store, model, found) if found else None
        words = {
            "chosen": shown,
            "told": told,
            "opened": opened,
            "against": against,
            "query": shown.asking,
        }
        if opened is not None:
            words |= _opened(showing, model, opened, against)
        return pages.answer(request, "attacks/page.html", words)


def _told(router: APIRouter, showing: Showing) -> None:
    @router.get("/api/models/{model:path}/attacks", summary="Attacks", response_model=Attacks)
    def told(model: str, asked: Annotated[Asked, Depends()]) -> Response:
        return json_answer(_attacks(showing, chosen(showing, model, asked)))

    @router.get(
        "/api/models/{model:path}/attacks/{id_}",
        summary="One attack, query by query",
        response_model=AttackTold,
    )
    def one(model: str, id_: str, against: Held = "previous") -> Response:
        check_model(showing, model)
        found = episode(showing.store, model, id_)
        return json_answer(AttackTold(found, sequence(showing, model, found, against)))


def _drawn(router: APIRouter, showing: Showing) -> None:
    @router.get(
        "/api/models/{model:path}/attacks/{id_}/answers",
        summary="Answers along an attack, as a chart",
    )
    def answers(model: str, id_: str) -> Response:
        check_model(showing, model)
        found = episode(showing.store, model, id_)
        steps = sequence(showing, model, found, "previous").steps
        figure = answers_figure(showing.settings.models[model], steps)
        if figure is None:
            raise NotFound(f"no output of the queries of attack {id_[:100]!r} is a number")
        return json_answer(figure)

    @router.get(
        "/api/models/{model:path}/attacks/{id_}/differences/{column}",
        summary="What changed between two pictures of an attack",
        response_class=Response,
        responses={200: {"content": {"image/png": {}}}},
    )
    def changed(
        model: str,
        id_: str,
        column: str,
        before: Annotated[int, Query(ge=0, description="Number of a query; 0 is the target.")],
        after: Annotated[int, Query(ge=1, description="Number of a later query.")],
    ) -> Response:
        check_model(showing, model)
        found = episode(showing.store, model, id_)
        picture = _difference(showing, model, found, column, before, after)
        headers = {"cache-control": "private, max-age=86400", "x-content-type-options": "nosniff"}
        return Response(picture, 200, headers, "image/png")


def _attacks(showing: Showing, shown: Chosen) -> Attacks:
    begin_ns, end_ns = stretch(showing.store, shown)
    return Attacks(
        begin_ns,
        end_ns,
        looked(showing, shown.model, begin_ns, end_ns),
        episodes(showing.store, shown.model, begin_ns, end_ns),
    )


def _opened(showing: Showing, model: str, opened: Episode, against: Against) -> dict[str, Any]:
    told = sequence(showing, model, opened, against)
    drawn = watched_output(showing.settings.models[model], told.steps)
    return {"sequence": told, "drawn": drawn}


def _difference(
    showing: Showing, model: str, found: Episode, column: str, before: int, after: int
) -> bytes:
    kind = showing.settings.models[model].features.get(column)
    if kind is None or column in hidden_of(showing.settings.models[model]):
        raise NotFound(f"model {model!r} has no feature {column[:100]!r}")
    known = {query.number: query for query in (found.target, *found.queries)}
    if before not in known or after not in known:
        raise NotFound(f"queries {before} and {after} of attack {found.id} are not both known")
    old, new = (_column(row, column) for row in read(showing, [known[before], known[after]]))
    return png(difference(old, new, kind.shape))


def _column(row: OpenedRow | SidelightError, name: str) -> Column:
    if isinstance(row, SidelightError):
        raise row
    if row.inputs is None or name not in row.inputs:
        raise NotFound(f"{row.address} row {row.row} has no column {name!r}")
    return row.inputs[name]
