"""The page's own addresses: each changes one thing and keeps the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sidelight_dashboard.chosen import Chosen
from sidelight_dashboard.drift.windows import Point
from sidelight_dashboard.links import page_of, query
from sidelight_dashboard.times import iso

Measure = Literal["effect", "p-value", "evidence"]
"""What is drawn over time."""

Rows = Literal["newest", "all"]
"""What is judged: the newest window, or all rows of the stretch of time together."""

_MS = 1_000_000


@dataclass(frozen=True)
class Shown:
    """What one request is shown: `against` is another version, `feature` one column."""

    chosen: Chosen
    against: str = ""
    feature: str = ""
    measure: Measure = "effect"
    rows: Rows = "newest"


@dataclass(frozen=True)
class Links:
    """Addresses beside what is shown now."""

    shown: Shown

    @property
    def page(self) -> str:
        """Of the page, without its query."""
        return page_of(self.shown.chosen.model, "drift")

    def api(self, part: str = "") -> str:
        """The same of the API; `part` is one of its charts."""
        return f"/api{self.page}{part and '/' + part}?{self._query()}"

    def jointly(self, detector: str) -> str:
        """The chart of a detector that judges all columns together."""
        return f"/api{self.page}/jointly?{self.shown.chosen.asking(detector=detector)}"

    def with_feature(self, feature: str) -> str:
        """Another column, beside the same windows."""
        return f"{self.page}?{self._query(feature=feature)}#column"

    def with_measure(self, measure: str) -> str:
        """The same column, drawn otherwise."""
        return f"{self.page}?{self._query(measure=measure)}#over-time"

    def with_rows(self, rows: str) -> str:
        """The same, judged over other rows."""
        return f"{self.page}?{self._query(rows=rows)}"

    def with_against(self, against: str) -> str:
        """Beside another version, or the reference."""
        return f"{self.page}?{self._query(against=against)}"

    def window(self, point: Point) -> str:
        """The rows of one window alone."""
        asked = {
            "version": self.shown.chosen.version,
            "segment": self.shown.chosen.segment,
            **self._own,
        }
        asked |= {"from": iso(point.begin_ns), "to": iso(point.end_ns + _MS)}
        return f"{self.page}?{query(**asked)}"

    def _query(self, **changed: str) -> str:
        return self.shown.chosen.asking(**{**self._own, **changed})

    @property
    def _own(self) -> dict[str, str]:
        """All but what is shown anyway."""
        asked = {name: getattr(self.shown, name) for name in _ASKED}
        return {name: value for name, value in asked.items() if value != _ASKED[name]}


_ASKED = {"against": "", "feature": "", "measure": "effect", "rows": "newest"}
"""With what is shown when it is not asked for."""
