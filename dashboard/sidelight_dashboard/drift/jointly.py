"""Detectors that judge all columns together: joint drift, and those of alibi-detect."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from sidelight_dashboard.chosen import Chosen
from sidelight_dashboard.drift.windows import MOST, Point
from sidelight_dashboard.hiding import hidden_of
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.words.wording import Wording

JOINT = "joint"

NO_P_VALUE = -1.0
"""Where a detector has none."""

_JUDGED = """FROM judged WHERE model = :model AND version IN (:version, '') AND segment = ''
 AND against = '' AND (detector = 'joint' OR detector LIKE 'alibi:%')
 AND end_ns BETWEEN :begin AND :end"""


ToldBy = Literal["effect", "p-value", "statistic"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two columns and their correlation, of normal scores."""

    columns: tuple[str, str]
    reference: float
    current: float
    drifted: bool


@dataclass(frozen=True, slots=True)
class Jointly:
    """The newest window of one detector.

    `told_by` says what there is: an effect and a p-value, a p-value alone, or a test's statistic,
    which then stands as `point.effect` beside its threshold as `point.tolerance`. `pairs` are those
    whose correlation changed most. `windows_drifted` of `windows` in the stretch of time drifted.
    """

    detector: str
    title: str
    told_by: ToldBy
    point: Point | None
    refused: str
    pairs: tuple[Pair, ...]
    windows: int
    windows_drifted: int


def jointly(showing: Showing, chosen: Chosen) -> tuple[Jointly, ...]:
    """By detector; empty where there is none."""
    found = showing.store.series.rows(
        "SELECT detector, begin_ns, max(end_ns), rows, is_drift, refused, data, count(*),"
        f" coalesce(sum(is_drift), 0) {_JUDGED} GROUP BY detector ORDER BY detector DESC",
        _asked(chosen),
    )
    return tuple(_told(showing, chosen.model, *one) for one in found)


def course(showing: Showing, chosen: Chosen, detector: str) -> list[Point]:
    """One of them over time, in order; windows that could not be judged are left out."""
    found = showing.store.series.rows(
        f"SELECT begin_ns, end_ns, rows, is_drift, data {_JUDGED} AND detector = :detector"
        " AND is_drift IS NOT NULL ORDER BY end_ns DESC LIMIT :most",
        {**_asked(chosen), "detector": detector, "most": MOST},
    )
    return [
        _point(detector, begin, end, rows, is_drift, _finding(data))
        for begin, end, rows, is_drift, data in reversed(found)
    ]


def _told(
    showing: Showing,
    model: str,
    detector: str,
    begin_ns: int,
    end_ns: int,
    rows: int,
    is_drift: int | None,
    refused: str,
    data: bytes,
    windows: int,
    drifted: int,
) -> Jointly:
    if is_drift is None:
        title = "All columns together" if detector == JOINT else detector.removeprefix("alibi:")
        return Jointly(detector, title, "effect", None, refused, (), windows, drifted)
    finding = _finding(data)
    point = _point(detector, begin_ns, end_ns, rows, is_drift, finding)
    pairs = tuple(_pairs(showing, model, finding))
    title, told_by = _title(detector, finding), told_by_of(point)
    return Jointly(detector, title, told_by, point, "", pairs, windows, drifted)


def _title(detector: str, finding: Mapping[str, Any]) -> str:
    if detector == JOINT:
        return "All columns together"
    return f"{detector.removeprefix('alibi:')} ({finding['type']} of alibi-detect)"


def _finding(data: bytes) -> Mapping[str, Any]:
    found: Mapping[str, Any] = orjson.loads(zlib.decompress(data))
    return found


def _point(
    detector: str, begin_ns: int, end_ns: int, rows: int, is_drift: int, finding: Mapping[str, Any]
) -> Point:
    if detector == JOINT:
        of_effect = [finding[name] for name in ("effect", "low", "high")]
        by_p = [finding[name] for name in ("p_value", "threshold")]
        tolerance = finding["tolerance"]
    elif finding["p_value"]:
        of_effect, by_p, tolerance = [None, 0.0, 0.0], _worst(finding, "p_value"), 0.0
    else:
        value, tolerance = _worst(finding, "statistic")
        of_effect, by_p = [value] * 3, [NO_P_VALUE, NO_P_VALUE]
    told = (*of_effect, None, *by_p, tolerance)
    return Point(begin_ns, end_ns, 1, is_drift, rows, *told)


def told_by_of(point: Point) -> ToldBy:
    """What its detector knows."""
    if point.effect is None:
        return "p-value"
    return "statistic" if point.p_value == NO_P_VALUE else "effect"


def _worst(finding: Mapping[str, Any], name: str) -> list[float]:
    """Value and threshold of the column that is furthest on the wrong side of its own."""
    pairs = [
        [0.0 if value is None else value, threshold or 0.0]
        for value, threshold in zip(finding[name], finding["threshold"], strict=False)
    ]
    sign = 1 if name == "p_value" else -1
    return min(pairs, key=lambda pair: sign * (pair[0] - pair[1]), default=[0.0, 0.0])


def _pairs(showing: Showing, model: str, finding: Mapping[str, Any]) -> Iterator[Pair]:
    settings = showing.settings.models[model]
    hidden, wording = hidden_of(settings), Wording(settings.glossary)
    for one in finding.get("pairs", ()):
        first, second = one["columns"]
        if first not in hidden and second not in hidden:
            names = wording.column(first), wording.column(second)
            yield Pair(names, one["reference"], one["window"], one["drifted"])


def _asked(chosen: Chosen) -> dict[str, str | int]:
    return {
        "model": chosen.model,
        "version": chosen.version,
        "begin": chosen.begin_ns,
        "end": chosen.end_ns,
    }
