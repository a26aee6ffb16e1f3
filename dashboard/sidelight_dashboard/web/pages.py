"""Templates made pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import BaseLoader, Environment, PackageLoader, StrictUndefined

from sidelight_dashboard.access.who import who
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.web.filters import FILTERS
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
        self._templates.filters |= FILTERS
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
