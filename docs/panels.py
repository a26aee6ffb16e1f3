"""Panels of Grafana as data: what is asked, in which unit, drawn how."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any, Literal

Json = dict[str, Any]
Kind = Literal["stat", "timeseries", "state-timeline", "table"]

SOURCE = {"type": "prometheus", "uid": "${datasource}"}

WIDTH = 24
_HEIGHTS = {"stat": 4}
_HEIGHT = 8

_STATES = {
    "": {},
    "alarm": {"0": ("quiet", "green"), "1": ("ALARM", "red")},
    "up": {"0": ("DOWN", "red"), "1": ("up", "green")},
}
"""Words and colours of numbers."""

_OPTIONS: dict[Kind, Json] = {
    "stat": {"colorMode": "none", "graphMode": "none", "reduceOptions": {"calcs": ["lastNotNull"]}},
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom"},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "state-timeline": {"mergeValues": True, "showValue": "auto", "rowHeight": 0.8},
    "table": {"showHeader": True, "cellHeight": "sm"},
}
_WITHOUT_TIME = {"id": "organize", "options": {"excludeByName": {"Time": True}}}


@dataclass(frozen=True)
class Query:
    """PromQL and the name of its series; a limit is drawn dashed, in the colour of limits."""

    expr: str
    name: str
    is_limit: bool = False


@dataclass(frozen=True)
class Panel:
    """`columns` of `WIDTH` it is wide; `told` stands behind its (i); `to` is a dashboard's uid."""

    title: str
    kind: Kind
    queries: Sequence[Query]
    told: str = ""
    unit: str = "short"
    columns: int = 12
    log: bool = False
    states: Literal["", "alarm", "up"] = ""
    to: str = ""


def rendered(panels: Sequence[Panel]) -> Iterator[Json]:
    """From left to right, from the top down."""
    left = top = row = 0
    for number, panel in enumerate(panels, 1):
        height = _HEIGHTS.get(panel.kind, _HEIGHT)
        if left + panel.columns > WIDTH:
            left, top, row = 0, top + row, 0
        yield _panel(panel, number, {"x": left, "y": top, "w": panel.columns, "h": height})
        left, row = left + panel.columns, max(row, height)


def _panel(panel: Panel, number: int, place: Json) -> Json:
    lettered = list(zip(ascii_uppercase, panel.queries, strict=False))
    told = {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.told,
        "datasource": SOURCE,
        "gridPos": place,
        "targets": [_target(query, letter, panel.kind) for letter, query in lettered],
        "fieldConfig": {
            "defaults": _defaults(panel),
            "overrides": [one for letter, query in lettered for one in _own(panel, letter, query)],
        },
        "options": _OPTIONS[panel.kind],
    }
    if panel.kind == "table":
        told["transformations"] = [{"id": "merge", "options": {}}, _WITHOUT_TIME]
    return told


def _target(query: Query, letter: str, kind: Kind) -> Json:
    is_now = kind in ("stat", "table")
    return {
        "refId": letter,
        "datasource": SOURCE,
        "expr": query.expr,
        "legendFormat": query.name,
        "instant": is_now,
        "range": not is_now,
        "format": "table" if kind == "table" else "time_series",
    }


def _defaults(panel: Panel) -> Json:
    told: Json = {"unit": panel.unit, "noValue": "no data"}
    if panel.states:
        words = _STATES[panel.states].items()
        options = {value: {"text": text, "color": colour} for value, (text, colour) in words}
        told["mappings"] = [{"type": "value", "options": options}]
    if panel.to:
        url = f"/d/{panel.to}?var-model=${{__data.fields.model}}"
        told["links"] = [{"title": "This model", "url": url}]
    if panel.kind == "table" and panel.states:
        told["custom"] = {"cellOptions": {"type": "color-text"}}
    if panel.kind == "timeseries":
        told["custom"] = {
            "drawStyle": "line",
            "lineInterpolation": "stepAfter",
            "lineWidth": 2,
            "showPoints": "never",
            "spanNulls": False,
            "scaleDistribution": {"type": "log", "log": 10} if panel.log else {"type": "linear"},
        }
    return told


def _own(panel: Panel, letter: str, query: Query) -> Iterator[Json]:
    """How one query is shown unlike the others of its panel."""
    if panel.kind == "table":
        name = "Value" if len(panel.queries) == 1 else f"Value #{letter}"
        yield _override("byName", name, {"displayName": query.name})
    elif query.is_limit:
        dashed = {"fill": "dash", "dash": [10, 10]}
        colour = {"mode": "fixed", "fixedColor": "orange"}
        yield _override("byFrameRefID", letter, {"custom.lineStyle": dashed, "color": colour})


def _override(by: str, what: str, properties: Json) -> Json:
    return {
        "matcher": {"id": by, "options": what},
        "properties": [{"id": name, "value": value} for name, value in properties.items()],
    }
