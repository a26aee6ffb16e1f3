"""An explanation as a picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from sidelight_explainers.explanation import Explanation
from sidelight_explainers.pictures.composing import compose
from sidelight_explainers.pictures.drawing.pages import draw
from sidelight_explainers.pictures.html import html
from sidelight_explainers.pictures.page import Page
from sidelight_explainers.pictures.png import png
from sidelight_explainers.pictures.svg import svg

PictureKind = Literal["html", "svg", "png"]

_KINDS: dict[PictureKind, tuple[Callable[[Page], bytes], str]] = {
    "html": (html, "text/html; charset=utf-8"),
    "svg": (lambda page: svg(draw(page)), "image/svg+xml"),
    "png": (lambda page: png(draw(page)), "image/png"),
}


def render(explanation: Explanation, kind: PictureKind) -> tuple[bytes, str]:
    """The document, complete in itself and below 50 kB, and its media type."""
    write, media_type = _KINDS[kind]
    return write(compose(explanation)), media_type
