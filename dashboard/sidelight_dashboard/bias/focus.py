"""Which gap, metric or pair the page draws over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from fastapi import Query

from sidelight_dashboard.bias.findings import Bias, Estimated, Flips, Labels
from sidelight_dashboard.bias.told import Part
from sidelight_dashboard.words.groups import Unit, unit_of

Place = Literal["", "decisions", "came_true", "realised", "estimated", "flips"]

Key = tuple[str, str, str]
Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Focus:
    """The part of the page that the query speaks of, and what of it; FastAPI fills it.

    The other parts draw their worst.
    """

    by: Annotated[Place, Query(description="The part of the page that the rest is about.")] = ""
    metric: str = Query("", max_length=100)
    attribute: str = Query("", max_length=512)
    group: str = Query("", max_length=512)
    other: str = Query("", max_length=512, description="Of flips: the group asked about instead.")

    def gap(self, place: Place, part: Part[Bias]) -> Key | None:
        """The one asked for if it is there, else the worst of the newest window."""
        gaps = part.found.worst_first if part.found else ()
        asked = (self.metric, self.attribute, self.group)
        return _chosen([gap.key for gap in gaps], asked if self.by == place else None)

    def flip(self, part: Part[Flips]) -> Key | None:
        rates = part.found.worst_first if part.found else ()
        asked = (self.attribute, self.group, self.other)
        return _chosen([one.key for one in rates], asked if self.by == "flips" else None)

    def realised(self, part: Part[Labels]) -> str | None:
        names = [one.metric for one in part.found.metrics] if part.found else []
        return _chosen(names, self.metric if self.by == "realised" else None)

    def estimated(self, part: Part[Estimated]) -> str | None:
        """The metric that is judged, unless another is asked for."""
        found = part.found
        names = [found.metric, *(one.metric for one in found.metrics)] if found else []
        return _chosen(names, self.metric if self.by == "estimated" else None)


def units_of(finding: Bias) -> tuple[Unit, ...]:
    """Those of its metrics, in the order in which metrics are told."""
    return tuple(dict.fromkeys(unit_of(gap.metric) for gap in finding.gaps))


def _chosen(there: Sequence[Thing], asked: Thing | None) -> Thing | None:
    if asked is not None and asked in there:
        return asked
    return there[0] if there else None
