"""Reports made for tests, and what a browser would find in one."""

from __future__ import annotations

import base64
import hashlib
import json
from html.parser import HTMLParser
from typing import Any

from sidelight_dashboard.chosen import Asked
from sidelight_dashboard.report.making import Report, report
from sidelight_dashboard.report.wanted import Wanted
from sidelight_dashboard.showing import Showing
from tests.detectors.traffic import MODEL, SECOND, START_NS

AT_NS = START_NS + 100 * SECOND
VOID = frozenset(("br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"))


def asked(**given: Any) -> Asked:
    return Asked(**{"version": None, "segment": "", "begin": "", "end": "", "last": "", **given})


def made(showing: Showing, model: str = MODEL, alarm: str = "", **given: Any) -> Report:
    """As of a moment after the last row."""
    return report(showing, Wanted(model, asked(**given), alarm), AT_NS)


class Found(HTMLParser):
    """Elements, the text that is read, and what stands in scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.raw: list[tuple[str, dict[str, str], str]] = []
        self.text = ""
        self.unclosed: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.append((tag, given))
        if tag in ("script", "style"):
            self.raw.append((tag, given, ""))
        if tag not in VOID:
            self.unclosed.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.unclosed.pop() == tag, f"</{tag}> closes another"

    def handle_data(self, data: str) -> None:
        if self.unclosed and self.unclosed[-1] in ("script", "style"):
            tag, given, before = self.raw.pop()
            self.raw.append((tag, given, before + data))
        else:
            self.text += data

    @property
    def ids(self) -> list[str]:
        return [given["id"] for _, given in self.elements if "id" in given]

    @property
    def figures(self) -> dict[str, Any]:
        """Their data by id."""
        return {
            given["id"]: json.loads(text)
            for _, given, text in self.raw
            if given.get("type") == "application/json"
        }

    @property
    def policy(self) -> str:
        return next(
            given["content"]
            for _, given in self.elements
            if given.get("http-equiv") == "Content-Security-Policy"
        )


def digest(text: str) -> str:
    """As a content policy names a script or a style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
