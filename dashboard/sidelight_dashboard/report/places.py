"""Where in a report an address of the dashboard is found."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl, urlsplit

Key = tuple[str, frozenset[tuple[str, str]]]


class Places:
    """Addresses of pages by the anchors under which they are bound.

    What is asked of a page that is bound for another stretch of time leads to that page; where
    nothing is bound, to the dashboard itself at `public_url`, if that is known.
    """

    def __init__(self, bound: Iterable[tuple[str, str]], public_url: str | None) -> None:
        self._exactly: dict[Key, str] = {}
        self._about: dict[str, str] = {}
        for address, anchor in bound:
            key = _key(address)
            self._exactly.setdefault(key, anchor)
            self._about.setdefault(key[0], anchor)
        self._public = (public_url or "").rstrip("/")

    def link(self, address: str, own: str) -> str:
        """Of a link from the page that is bound as `own`; empty where it leads nowhere."""
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            return address
        key = _key(address)
        found = self._exactly.get(key) or self._about.get(key[0])
        if found is None:
            return f"{self._public}{address}" if self._public else ""
        return f"#{found}" if found != own else ""


def _key(address: str) -> Key:
    parts = urlsplit(address)
    return parts.path, frozenset(parse_qsl(parts.query))
