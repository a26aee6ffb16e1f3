"""A page as one HTML document, without script and without anything from elsewhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, Template, select_autoescape
from markupsafe import Markup

from sidelight_explainers.pictures.colours import DARK, LIGHT, variables
from sidelight_explainers.pictures.drawing.plots import plot_alone
from sidelight_explainers.pictures.encoding import data_uri
from sidelight_explainers.pictures.page import Block, Page, Plot
from sidelight_explainers.pictures.svg import drawn_rules, svg_element
from sidelight_explainers.pictures.wording import amount, clean, error, level

PLOT_WIDTH = 300


def html(page: Page) -> bytes:
    """The document in UTF-8."""
    return clean(_template().render(page=page)).encode("utf-8")


@cache
def _template() -> Template:
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=loader, autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "amount": amount,
        "error": error,
        "level": level,
        "data_uri": data_uri,
    }
    environment.globals |= {
        "kind": _kind,
        "plot": _plot,
        "light": variables(LIGHT),
        "dark": variables(DARK),
        "drawn": drawn_rules(),
    }
    return environment.get_template("page.html")


def _kind(block: Block) -> str:
    return type(block).__name__


def _plot(plot: Plot) -> Markup:
    return Markup(svg_element(plot_alone(plot, PLOT_WIDTH)))  # noqa: S704 - escaped there
