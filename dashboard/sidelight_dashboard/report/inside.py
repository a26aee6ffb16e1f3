"""The dashboard's own pages and API, asked from within, by one who may read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from fastapi import FastAPI, Request
from jinja2 import ChoiceLoader, DictLoader, PackageLoader
from starlette.types import Message

from sidelight.config.showing.access import Scope
from sidelight_dashboard.access.who import Who
from sidelight_dashboard.alarms import routes as alarms
from sidelight_dashboard.attacks import routes as attacks
from sidelight_dashboard.bias import routes as bias
from sidelight_dashboard.drift import routes as drift
from sidelight_dashboard.outliers import routes as outliers
from sidelight_dashboard.rows import routes as rows
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.web.library import installed
from sidelight_dashboard.web.pages import Pages
from sidelight_dashboard.web.refusals import answer_with_errors

READER = Who("", frozenset[Scope](("read",)))

_ROOMS = (drift, outliers, attacks, bias, alarms, rows)

_FRAME = DictLoader({"web/base.html": "{% block content %}{% endblock %}"})
"""In the place of all that stands around a page."""


@dataclass(frozen=True)
class Answer:
    """`content` is of `media_type`."""

    status: int
    media_type: str
    content: bytes


class Inside:
    """Answers as the dashboard does, and pages come without their frame."""

    def __init__(self, showing: Showing) -> None:
        loader = ChoiceLoader([_FRAME, PackageLoader("sidelight_dashboard", "")])
        self._pages = Pages(showing, installed(), loader)
        self._app = FastAPI(openapi_url=None)
        answer_with_errors(self._app, self._pages)
        for room in _ROOMS:
            self._app.include_router(room.router(showing, self._pages))

    def text(self, template: str, told: Mapping[str, Any]) -> str:
        """A template of ours, filled."""
        return self._pages.text(Request(_scope("/")), template, told)

    async def ask(self, address: str) -> Answer:
        """What a browser would be answered that goes there."""
        said: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            said.append(message)

        await self._app(_scope(address), receive, send)
        start, *bodies = said
        kind = dict(start["headers"]).get(b"content-type", b"").decode().partition(";")[0]
        return Answer(start["status"], kind, b"".join(one.get("body", b"") for one in bodies))


def _scope(address: str) -> dict[str, Any]:
    path, _, query = address.partition("?")
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "server": ("localhost", 80),
        "root_path": "",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [],
        "state": {"who": READER},
    }
