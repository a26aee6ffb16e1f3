"""A page made a leaf of a report: what only a dashboard can do is left out, what a browser would
ask for is put in, links lead within.

Left out are forms, buttons, navigation, downloads, links to the API, and elements with the
attribute ``data-online``. Headings go one level down, and ids are the leaf's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser
from typing import Protocol
from urllib.parse import urljoin

_VOID = frozenset(("br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"))
_ONLINE = frozenset(("button", "form", "link", "meta", "nav", "noscript", "script", "template"))
_REFERRING = frozenset(("id", "for", "headers", "aria-labelledby", "aria-describedby"))
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")

_Given = Mapping[str, str]


class Stock(Protocol):
    """What leaves are filled from."""

    def link(self, address: str, own: str) -> str:
        """Where it leads in the report; empty where nowhere."""
        ...

    def chart(self, address: str) -> str:
        """The id of the figure's data in the report; empty where there is none."""
        ...

    def image(self, address: str) -> str:
        """The picture as a ``data:`` address; empty where there is none."""
        ...


@dataclass(frozen=True)
class Frame:
    """The page is of `address` and bound as `anchor`; only elements whose id, or whose heading's
    id, is in `parts` are, where any are named."""

    address: str
    anchor: str
    parts: frozenset[str] = frozenset()


def leaf(page: str, frame: Frame, stock: Stock) -> str:
    """The HTML of the page's content as that of a leaf."""
    reading = _Reading(frame, stock)
    reading.feed(page)
    reading.close()
    return "".join(reading.made)


class _Reading(HTMLParser):
    """Keeps markup of text as it is, so that what was escaped stays escaped."""

    def __init__(self, frame: Frame, stock: Stock) -> None:
        super().__init__(convert_charrefs=False)
        self.made: list[str] = []
        self._frame = frame
        self._stock = stock
        self._open: list[tuple[str, str]] = []
        self._left_out = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if self._left_out or self._is_online(tag, given):
            self._left_out += tag not in _VOID
            return
        if not self._is_wanted and not self._begins_part(given):
            return
        made, told = self._made_of(tag, given)
        if tag not in _VOID:
            self._open.append((tag, made))
        if made:
            self.made.append(_tag(made, told))

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if self._left_out:
            self._left_out -= 1
            return
        while any(one == tag for one, _ in self._open):
            closed, made = self._open.pop()
            self.made.append(f"</{made}>")
            if closed == tag:
                break

    def handle_data(self, data: str) -> None:
        self._say(data)

    def handle_entityref(self, name: str) -> None:
        self._say(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._say(f"&#{name};")

    def _say(self, text: str) -> None:
        if self._is_wanted and not self._left_out:
            self.made.append(text)

    @property
    def _is_wanted(self) -> bool:
        return not self._frame.parts or bool(self._open)

    def _begins_part(self, given: _Given) -> bool:
        return bool({given.get("id"), given.get("aria-labelledby")} & self._frame.parts)

    def _is_online(self, tag: str, given: _Given) -> bool:
        if tag in _ONLINE or "data-online" in given or "download" in given:
            return True
        if tag != "a":
            return False
        is_button = "button" in given.get("class", "").split()
        href = given.get("href", "")
        return href.startswith("/api/") or (is_button and not self._link(href))

    def _made_of(self, tag: str, given: _Given) -> tuple[str, _Given]:
        """The tag and attributes that take their place."""
        told = {name: self._attribute(name, value) for name, value in given.items()}
        told.pop("data-live", None)
        told.pop("loading", None)  # what stands in the file need not be waited for
        if tag == "a" and "href" in given:
            href = self._link(given["href"])
            return ("a", told | {"href": href}) if href else ("span", {})
        if tag == "img":
            return self._image(told)
        if "data-chart" in given:
            told["data-chart"] = self._stock.chart(self._absolute(given["data-chart"]))
            if not told["data-chart"]:
                del told["data-chart"]
        return _lower(tag), told

    def _image(self, told: _Given) -> tuple[str, _Given]:
        source = self._stock.image(self._absolute(told["src"]))
        return ("img", {**told, "src": source}) if source else ("", {})

    def _attribute(self, name: str, value: str) -> str:
        if name not in _REFERRING:
            return value
        return " ".join(f"{self._frame.anchor}-{one}" for one in value.split())

    def _link(self, href: str) -> str:
        if href.startswith("#"):
            return f"#{self._frame.anchor}-{href[1:]}"
        return self._stock.link(self._absolute(href), self._frame.anchor)

    def _absolute(self, address: str) -> str:
        return urljoin(self._frame.address, address)


def _lower(tag: str) -> str:
    """A heading one level down."""
    if tag not in _HEADINGS:
        return tag
    return _HEADINGS[min(_HEADINGS.index(tag) + 1, len(_HEADINGS) - 1)]


def _tag(tag: str, given: _Given) -> str:
    told = "".join(f' {name}="{escape(value)}"' for name, value in given.items())
    return f"<{tag}{told}>"
