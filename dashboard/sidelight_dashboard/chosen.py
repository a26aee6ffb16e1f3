"""What a page is asked to show: a model, one of its versions, a segment, a stretch of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import Query

from sidelight.errors import MalformedPayload
from sidelight.serving.refusals import UnknownModel
from sidelight_dashboard.links import query
from sidelight_dashboard.refusals import NotFound
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.times import iso, read_end, read_length, read_time

DAY = "1d"

TIME: dict[str, Any] = {"format": "date-time"}
LENGTH: dict[str, Any] = {"pattern": "^([1-9][0-9]{0,5}[smhd])?$"}
"""Told in the API's description only: the refusals of `times` say more."""


@dataclass(frozen=True)
class Asked:
    """The query that every page of a model shares; FastAPI fills it (`Depends`)."""

    version: str | None = Query(
        None, max_length=256, description="A model version; the newest by default."
    )
    segment: str = Query("", max_length=512, description="A segment; all rows by default.")
    begin: str = Query(
        "", alias="from", max_length=40, description="ISO time.", json_schema_extra=TIME
    )
    end: str = Query("", alias="to", max_length=40, description="ISO time.", json_schema_extra=TIME)
    last: str = Query(
        "",
        max_length=10,
        description="Instead of `from`: 15m, 6h, 30d.",
        json_schema_extra=LENGTH,
    )


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

    def asking(self, **more: str | int) -> str:
        """The same, and what is asked beside it."""
        return "&".join(part for part in (self.query, query(**more)) if part)

    @property
    def _time(self) -> dict[str, str]:
        if self.is_default:
            return {}
        if self.last:
            return {"last": self.last}
        return {"from": iso(self.begin_ns), "to": iso(self.end_ns)}


def chosen(showing: Showing, model: str, asked: Asked) -> Chosen:
    """Without a time: the day before the newest row.

    Raises `UnknownModel`, `NotFound` for a version or segment that was never seen,
    `MalformedPayload`.
    """
    check_model(showing, model)
    seen = _seen(showing, model)
    version = _version(asked.version, seen, model)
    begin_ns, end_ns = _stretch(asked, *seen.get(version, (0, 0)))
    segments = _segments(showing, model)
    if asked.segment and asked.segment not in segments:
        there = ", ".join(segments) or "none; detectors.drift.by names what makes them"
        raise NotFound(f"no segment {asked.segment!r} of {model} was judged; there are {there}")
    return Chosen(
        model,
        version,
        tuple(seen),
        asked.segment,
        begin_ns,
        end_ns,
        is_default=not (asked.begin or asked.end or asked.last),
        last="" if asked.begin or asked.end else asked.last or DAY,
        segments=segments,
    )


def check_model(showing: Showing, model: str) -> None:
    """Raises `UnknownModel`."""
    if model not in showing.settings.models:
        there = ", ".join(showing.settings.models)
        raise UnknownModel(f"no model {model!r} is configured; there are {there}")


def _seen(showing: Showing, model: str) -> dict[str, tuple[int, int]]:
    """First and last event time of each version, the newest first."""
    found = showing.store.series.rows(
        "SELECT version, first_ns, last_ns FROM version WHERE model = ? ORDER BY last_ns DESC",
        (model,),
    )
    return {version: (first_ns, last_ns) for version, first_ns, last_ns in found}


def _version(asked: str | None, seen: Mapping[str, object], model: str) -> str:
    """Empty for rows of which none was told, where there are any; else that of the newest row."""
    if asked is not None and asked in seen:
        return asked
    if asked:
        there = ", ".join(name or "(none told)" for name in seen) or "none yet"
        raise NotFound(f"no version {asked!r} of {model} was seen; there are {there}")
    return next(iter(seen), "")


def _stretch(asked: Asked, first_ns: int, last_ns: int) -> tuple[int, int]:
    end_ns = read_end(asked.end, "to") if asked.end else last_ns
    if not asked.begin:
        length = read_length(asked.last or DAY, "last")
        return max(end_ns - length, min(first_ns, end_ns)), end_ns
    begin_ns = read_time(asked.begin, "from")
    if asked.end and begin_ns > end_ns:
        raise MalformedPayload(f"{asked.begin} is after 'to', {asked.end}", where="from")
    return begin_ns, max(begin_ns, end_ns)


def _segments(showing: Showing, model: str) -> tuple[str, ...]:
    found = showing.store.series.rows(
        "SELECT DISTINCT segment FROM series WHERE model = ? AND segment != '' ORDER BY 1", (model,)
    )
    return tuple(segment for (segment,) in found)
