"""Pages bound together, with the figures and pictures that a browser would ask for."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import orjson
from markupsafe import Markup, escape

from sidelight_dashboard.report.contents import Page
from sidelight_dashboard.report.inside import Answer
from sidelight_dashboard.report.leaf import Frame, leaf
from sidelight_dashboard.report.places import Places

Ask = Callable[[str], Answer]

_OPENING = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}
"""What could end a script, or a line of one."""


@dataclass(frozen=True)
class Leaf:
    """A page as it is bound."""

    anchor: str
    title: str
    html: Markup


@dataclass
class Binding:
    """`figures` are those of all leaves by id, as JSON that may stand in a script."""

    ask: Ask
    places: Places
    figures: dict[str, Markup] = field(default_factory=dict)
    _ids: dict[str, str] = field(default_factory=dict)

    def leaf(self, page: Page, anchor: str) -> Leaf:
        """What cannot be told says why."""
        answer = self.ask(page.address)
        if answer.status != 200:
            return Leaf(anchor, page.title, _missing(page, answer))
        return self.of_html(answer.content.decode(), page, anchor)

    def of_html(self, html: str, page: Page, anchor: str) -> Leaf:
        """Of a page that is made already."""
        made = leaf(html, Frame(page.address, anchor, page.parts), self)
        return Leaf(anchor, page.title, Markup(made))  # noqa: S704 (the page escaped it)

    def link(self, address: str, own: str) -> str:
        return self.places.link(address, own)

    def chart(self, address: str) -> str:
        if address not in self._ids:
            self._ids[address] = self._drawn(address)
        return self._ids[address]

    def image(self, address: str) -> str:
        answer = self.ask(address)
        if answer.status != 200 or not answer.media_type.startswith("image/"):
            return ""
        return f"data:{answer.media_type};base64,{base64.b64encode(answer.content).decode()}"

    def _drawn(self, address: str) -> str:
        answer = self.ask(address)
        if answer.status != 200:
            return ""
        id_ = f"figure-{len(self.figures)}"
        self.figures[id_] = in_script(_leading_nowhere(orjson.loads(answer.content)))
        return id_


def anchored(pages: Iterable[Page]) -> list[tuple[Page, str]]:
    """Each with its anchor; one that is asked for twice is bound once."""
    by_address = {(page.address, page.parts): page for page in pages}
    return [(page, f"leaf-{number}") for number, page in enumerate(by_address.values(), 1)]


def in_script(told: object) -> Markup:
    """As JSON that means the same within a script."""
    text = orjson.dumps(told).decode()
    for sign, written in _OPENING.items():
        text = text.replace(sign, written)
    return Markup(text)  # noqa: S704 (nothing is left that could end it)


def _leading_nowhere(told: object) -> object:
    """A figure without the addresses that a click on its points leads to."""
    if isinstance(told, dict):
        return {
            key: _without_addresses(one) if key == "customdata" else _leading_nowhere(one)
            for key, one in told.items()
        }
    if isinstance(told, list):
        return [_leading_nowhere(one) for one in told]
    return told


def _without_addresses(told: object) -> object:
    if isinstance(told, Sequence) and not isinstance(told, str):
        return [_without_addresses(one) for one in told]
    return "" if isinstance(told, str) and told.startswith(("/", "?")) else told


def _missing(page: Page, answer: Answer) -> Markup:
    told = orjson.loads(answer.content) if answer.content else {}
    why: str = told.get("error", "its address leads elsewhere")
    return Markup("<h2>{}</h2>\n<p class='empty'>Not told: {}.</p>").format(
        page.title, escape(why.rstrip("."))
    )
