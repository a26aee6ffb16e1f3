"""The page's own addresses: each changes one thing and keeps the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlencode

from sidelight_dashboard.chosen import Chosen
from sidelight_dashboard.drift.windows import Point
from sidelight_dashboard.times import iso

Measure = Literal["effect", "p-value", "evidence"]
"""What is drawn over time."""

_MS = 1_000_000


@dataclass(frozen=True)
class Links:
    """Addresses of what is shown now; `feature` is the column whose chart is asked for."""

    chosen: Chosen
    against: str
    feature: str
    measure: Measure

    @property
    def page(self) -> str:
        """Of the page, without its query."""
        return f"/models/{quote(self.chosen.model, safe='')}/drift"

    def api(self, part: str = "") -> str:
        """The same of the API; `part` is one of its charts."""
        return f"/api{self.page}{part and '/' + part}?{self._query()}"

    def with_feature(self, feature: str) -> str:
        """Another column, beside the same windows."""
        return f"{self.page}?{self._query(feature=feature)}"

    def with_measure(self, measure: str) -> str:
        """The same column, drawn otherwise."""
        return f"{self.page}?{self._query(measure=measure)}#over-time"

    def with_against(self, against: str) -> str:
        """Beside another version, or the reference."""
        return f"{self.page}?{self._query(against=against)}"

    def window(self, point: Point) -> str:
        """The rows of one window alone."""
        asked = {"version": self.chosen.version, "segment": self.chosen.segment, **self._own}
        asked |= {"from": iso(point.begin_ns), "to": iso(point.end_ns + _MS)}
        return f"{self.page}?{_told(asked)}"

    def _query(self, **changed: str) -> str:
        told = _told({**self._own, **changed})
        return "&".join(part for part in (self.chosen.query, told) if part)

    @property
    def _own(self) -> dict[str, str]:
        measure = "" if self.measure == "effect" else self.measure
        return {"against": self.against, "feature": self.feature, "measure": measure}


def _told(asked: dict[str, str]) -> str:
    return urlencode({name: value for name, value in asked.items() if value})
