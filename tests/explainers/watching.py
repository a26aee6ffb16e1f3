"""Somebody who watches an explanation."""

from __future__ import annotations

from threading import Event

from sidelight_explainers.explanation import Explanation


class Watching:
    """A `Watcher`: sees what is shown, and is gone once `left` is set."""

    def __init__(self, left: Event | None = None) -> None:
        self.seen: list[Explanation] = []
        self.left = left or Event()

    def show(self, partial: Explanation) -> None:
        self.seen.append(partial)

    def gone(self) -> bool:
        return self.left.is_set()
