"""Templates made pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sidelight_dashboard.showing import Showing
from sidelight_dashboard.times import iso


class Pages:
    """Renders the template of a room: ``drift/page.html`` beside ``drift/routes.py``."""

    def __init__(self, showing: Showing) -> None:
        self._showing = showing
        self._templates = Environment(
            loader=PackageLoader("sidelight_dashboard", ""),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["time"] = time
        self._templates.filters["percent"] = percent

    def answer(
        self, request: Request, template: str, told: Mapping[str, Any], status: int = 200
    ) -> HTMLResponse:
        """The page; templates know `request` and `models` beside what is `told`."""
        text = self._templates.get_template(template).render(
            request=request,
            models=tuple(self._showing.settings.models),
            revision=self._showing.revision.number,
            **told,
        )
        return HTMLResponse(text, status)


def time(at_ns: int) -> Markup:
    """A moment, which the page's script tells in the viewer's zone."""
    told = iso(at_ns)
    return Markup('<time datetime="{}">{}</time>').format(
        told, told[:19].replace("T", " ") + " UTC"
    )


def percent(share: float | None, digits: int = 1) -> str:
    """A share as people read it; a dash where it is not known."""
    return "–" if share is None else f"{share:.{digits}%}"
