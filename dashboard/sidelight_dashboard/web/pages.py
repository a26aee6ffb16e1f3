"""Templates made pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import BaseLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sidelight_dashboard.access.who import who
from sidelight_dashboard.chosen import Chosen
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.times import iso
from sidelight_dashboard.web.library import Library


class Pages:
    """Renders the template of a room: ``drift/page.html`` beside ``drift/routes.py``."""

    def __init__(
        self, showing: Showing, library: Library, loader: BaseLoader | None = None
    ) -> None:
        self._showing = showing
        self._templates = Environment(
            loader=loader or PackageLoader("sidelight_dashboard", ""),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.filters |= {
            "asked_again": asked_again,
            "moment": moment,
            "percent": percent,
            "time": time,
        }
        self._library = library
        self.states: Callable[[], Mapping[str, str]] = dict
        """The worst word of state of each model, as who knows them gives them."""

    def answer(
        self, request: Request, template: str, told: Mapping[str, Any], status: int = 200
    ) -> HTMLResponse:
        """The page; what is `told` of one model has its `Chosen` as `chosen`.

        Templates also know `request`, `who` asks, `models`, their `states`, and how many
        alarms are open (`open_alarms`), both by model.
        """
        return HTMLResponse(self.text(request, template, told), status)

    def text(self, request: Request, template: str, told: Mapping[str, Any]) -> str:
        """The same as text."""
        return self._templates.get_template(template).render(
            request=request,
            models=tuple(self._showing.settings.models),
            states=self.states(),
            open_alarms=self._open_alarms(),
            who=who(request),
            revision=self._showing.revision.number,
            library=self._library,
            **told,
        )

    def _open_alarms(self) -> dict[str, int]:
        return dict(
            self._showing.store.series.rows(
                "SELECT model, count(*) FROM alarm WHERE cleared_ns IS NULL GROUP BY model"
            )
        )


def time(at_ns: int) -> Markup:
    """A moment, which the page's script tells in the viewer's zone."""
    told = iso(at_ns)
    return Markup('<time datetime="{}">{}</time>').format(
        told, told[:19].replace("T", " ") + " UTC"
    )


def moment(at_ns: int) -> str:
    """As a form's `datetime-local` takes it, UTC."""
    return iso(at_ns)[:19]


def asked_again(chosen: Chosen) -> str:
    """``?...`` for a link to another page that shows the same stretch; empty for the default."""
    return f"?{chosen.query}" if chosen.query else ""


def percent(share: float | None, digits: int = 1) -> str:
    """A share as people read it; a dash where it is not known."""
    return "–" if share is None else f"{share:.{digits}%}"
