"""A drawing as SVG, with the letters as text and the colours of day and night."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from sidelight_explainers.pictures.colours import DARK, LIGHT, Paint
from sidelight_explainers.pictures.drawing.letters import FAMILY
from sidelight_explainers.pictures.drawing.shapes import (
    Area,
    Box,
    Drawing,
    Letters,
    Line,
    Pixels,
    Point,
    Shape,
)
from sidelight_explainers.pictures.encoding import data_uri
from sidelight_explainers.pictures.wording import clean


def svg(drawing: Drawing) -> bytes:
    """A document of its own in UTF-8."""
    night = f"@media(prefers-color-scheme:dark){{{rules(DARK)}}}"
    return svg_element(drawing, f"<style>{rules(LIGHT)}{night}</style>").encode("utf-8")


def rules(colours: dict[Paint, str]) -> str:
    """A class to fill, and one to stroke, in each colour."""
    return "".join(
        f".f-{name}{{fill:{value}}}.s-{name}{{stroke:{value}}}" for name, value in colours.items()
    )


def drawn_rules() -> str:
    """The rules for a document that has the colours as custom properties."""
    return rules({name: f"var(--{name})" for name in LIGHT})


def svg_element(drawing: Drawing, style: str = "") -> str:
    """The element; without a style for a document that holds the `rules`."""
    title = _told(drawing.title)
    view = f"{_short(-drawing.margin)} 0 {_short(drawing.width)} {_short(drawing.height)}"
    size = f'width="{_short(drawing.width)}" height="{_short(drawing.height)}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}" {size} role="img"'
        f' aria-label="{title}" font-family="{FAMILY}"><title>{title}</title>{style}'
        f"{''.join(map(_element, drawing.shapes))}</svg>"
    )


def _element(shape: Shape) -> str:
    match shape:
        case Box(x, y, width, height, paint, opacity):
            return f'<rect {_rectangle(x, y, width, height)} class="f-{paint}"{_faint(opacity)}/>'
        case Area(points, paint, opacity):
            return f'<polygon points="{_points(points)}" class="f-{paint}"{_faint(opacity)}/>'
        case Line(points, paint, width, opacity):
            thick = f' stroke-width="{_short(width)}"' if width != 1 else ""
            return (
                f'<polyline points="{_points(points)}" fill="none" class="s-{paint}"{thick}'
                f"{_faint(opacity)}/>"
            )
        case Letters():
            return _letters(shape)
        case Pixels():
            where = _rectangle(shape.x, shape.y, shape.width, shape.height)
            return (
                f'<image {where} href="{data_uri(shape.pixels)}"><title>{_told(shape.caption)}'
                "</title></image>"
            )


def _letters(letters: Letters) -> str:
    anchor = "" if letters.anchor == "start" else f' text-anchor="{letters.anchor}"'
    if letters.mirrored:
        # What is read from the right ends on the left
        anchor = ' direction="rtl" text-anchor="end"'
    bold = ' font-weight="bold"' if letters.bold else ""
    room = "" if letters.room is None else f' textLength="{_short(letters.room)}"'
    place = f'x="{_short(letters.x)}" y="{_short(letters.y)}" font-size="{_short(letters.size)}"'
    return (
        f'<text {place}{anchor}{bold}{room} class="f-{letters.paint}">{_told(letters.text)}</text>'
    )


def _told(text: str) -> str:
    return escape(clean(text))


def _faint(opacity: float) -> str:
    return "" if opacity == 1 else f' opacity="{_short(opacity)}"'


def _rectangle(x: float, y: float, width: float, height: float) -> str:
    told = {"x": x, "y": y, "width": width, "height": height}
    return " ".join(f'{name}="{_short(value)}"' for name, value in told.items())


def _points(points: Sequence[Point]) -> str:
    return " ".join(_pairs(points))


def _pairs(points: Sequence[Point]) -> Iterator[str]:
    for x, y in points:
        yield f"{x:.1f},{y:.1f}"


def _short(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
