"""What a page is asked to show: a model, one of its versions, a segment, a stretch of time."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import Query

from sidelight.serving.refusals import UnknownModel
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.times import NS, iso, read_end, read_length, read_time

DAY = "1d"
DAY_NS = 86_400 * NS


@dataclass(frozen=True)
class Asked:
    """The query that every page of a model shares; FastAPI fills it (`Depends`)."""

    version: str = Query("", max_length=256, description="A model version; the newest by default.")
    segment: str = Query("", max_length=512, description="A segment; all rows by default.")
    begin: str = Query("", alias="from", max_length=40, description="ISO time.")
    end: str = Query("", alias="to", max_length=40, description="ISO time.")
    last: str = Query("", max_length=10, description="Instead of `from`: 15m, 6h, 30d.")


@dataclass(frozen=True)
class Chosen:
    """Event times from `begin_ns` up to, and with, `end_ns`; `versions` newest first.

    `last` is the length that was asked for, empty where exact times were.
    """

    model: str
    version: str
    versions: tuple[str, ...]
    segment: str
    begin_ns: int
    end_ns: int
    is_default: bool
    last: str = ""
    segments: tuple[str, ...] = ()

    @property
    def query(self) -> str:
        """What another page of this model must be asked for to show the same; may be empty."""
        asked: dict[str, str] = {}
        if self.versions and self.version != self.versions[0]:
            asked["version"] = self.version
        if self.segment:
            asked["segment"] = self.segment
        return urlencode(asked | self._time)

    @property
    def _time(self) -> dict[str, str]:
        if self.is_default:
            return {}
        if self.last:
            return {"last": self.last}
        return {"from": iso(self.begin_ns), "to": iso(self.end_ns)}


def chosen(showing: Showing, model: str, asked: Asked) -> Chosen:
    """Without a time: the day before the newest row. Raises `UnknownModel`, `MalformedPayload`."""
    if model not in showing.settings.models:
        there = ", ".join(showing.settings.models)
        raise UnknownModel(f"no model {model!r} is configured; there are {there}")
    found = showing.store.series.rows(
        "SELECT version, first_ns, last_ns FROM version WHERE model = ? ORDER BY last_ns DESC",
        (model,),
    )
    versions = tuple(version for version, _, _ in found)
    version = asked.version or (versions[0] if versions else "")
    times = [(first, last) for name, first, last in found if name == version]
    first_ns, last_ns = times[0] if times else (0, 0)
    end_ns = read_end(asked.end, "to") if asked.end else last_ns
    if asked.begin:
        begin_ns = read_time(asked.begin, "from")
    else:
        length = read_length(asked.last, "last") if asked.last else DAY_NS
        begin_ns = max(end_ns - length, first_ns)
    is_default = not (asked.begin or asked.end or asked.last)
    return Chosen(
        model,
        version,
        versions,
        asked.segment,
        begin_ns,
        end_ns,
        is_default,
        "" if asked.begin or asked.end else asked.last or DAY,
        _segments(showing, model),
    )


def _segments(showing: Showing, model: str) -> tuple[str, ...]:
    found = showing.store.series.rows(
        "SELECT DISTINCT segment FROM series WHERE model = ? AND segment != '' ORDER BY 1", (model,)
    )
    return tuple(segment for (segment,) in found)
