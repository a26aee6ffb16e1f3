"""Which columns changed, by how much, and since when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sidelight.config.settings import ModelSettings
from sidelight.panes import Comparison
from sidelight_dashboard.chosen import Chosen
from sidelight_dashboard.comparing.compared import Compared
from sidelight_dashboard.drift import windows
from sidelight_dashboard.drift.comparisons import Comparisons
from sidelight_dashboard.drift.links import Rows
from sidelight_dashboard.drift.windows import Newest, Point, Window
from sidelight_dashboard.hiding import hidden_of
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.words.wording import Wording


@dataclass(frozen=True)
class Feature:
    """A watched column, judged over the rows that `Drift` says.

    `effect` is None where it was not judged or nobody observed it. `windows_drifted` of `windows`
    that ended in the stretch of time drifted.
    """

    name: str
    label: str
    role: str
    method: str
    rows: int
    effect: float | None
    low: float
    high: float
    p_value: float
    p_threshold: float
    drifted: bool
    windows: int
    windows_drifted: int

    @property
    def rank(self) -> tuple[float, float, float, str]:
        """What is surely large first, then what looks large; what nobody observed last."""
        if self.effect is None:
            return (0.0, 1.0, 0.0, self.name)
        return (-float(self.drifted), -self.low, -self.effect, self.name)


@dataclass(frozen=True)
class Part:
    """Rows of the stretch under one plan; `refused` says why they are not judged."""

    plan: str
    first_ns: int
    last_ns: int
    rows: int
    refused: str


@dataclass(frozen=True)
class OpenAlarm:
    """An alarm of this version that is raised now."""

    id: str
    detector: str
    raised_ns: int


@dataclass(frozen=True)
class Drift:
    """One model version beside its reference, or beside the version `against`.

    `rows` says what `columns` are judged over: the newest window, or all rows of the stretch under
    its newest plan; they come by effect, the surest first. `window` is the newest that was judged
    or refused. `parts` are the rows of the stretch, the newest plan first; empty for `newest`.
    """

    model: str
    version: str
    segment: str
    against: str
    begin_ns: int
    end_ns: int
    rows: Rows
    tolerance: float | None
    window: Window | None
    columns: tuple[Feature, ...]
    parts: tuple[Part, ...]
    alarms: tuple[OpenAlarm, ...]

    @property
    def drifted(self) -> tuple[Feature, ...]:
        """The columns that drifted."""
        return tuple(one for one in self.columns if one.drifted)

    def column(self, name: str) -> Feature | None:
        """The one asked for, else the first of all."""
        found = (one for one in self.columns if not name or one.name == name)
        return next(found, None)


def drift(comparisons: Comparisons) -> Drift:
    """All there is to say; where no window was judged, of all rows together."""
    showing, shown, chosen = comparisons.showing, comparisons.shown, comparisons.shown.chosen
    judged = windows.newest(showing.store, chosen, shown.against)
    is_newest = bool(shown.against) or (bool(judged) and shown.rows == "newest")
    whole = () if is_newest else comparisons.whole
    return Drift(
        chosen.model,
        chosen.version,
        chosen.segment,
        shown.against,
        chosen.begin_ns,
        chosen.end_ns,
        "newest" if is_newest else "all",
        _tolerance(judged, next((one.comparison for one in whole), None)),
        comparisons.window,
        _features(showing.settings.models[chosen.model], judged, whole),
        tuple(map(_part, whole)),
        _open_alarms(showing, chosen),
    )


def _part(one: Compared) -> Part:
    refused = one.refused or (one.comparison.refused if one.comparison else "")
    return Part(one.plan, one.first_ns, one.last_ns, one.rows, refused)


def course(showing: Showing, chosen: Chosen, against: str, column: str) -> list[Point]:
    """One column over time; of one that redaction drops now there is nothing to show."""
    if column in hidden_of(showing.settings.models[chosen.model]):
        return []
    return windows.points(showing.store, chosen, against, column)


def _features(
    model: ModelSettings, judged: list[Newest], whole: tuple[Compared, ...]
) -> tuple[Feature, ...]:
    hidden, wording = hidden_of(model), Wording(model.glossary)
    by_name = {one.column: one for one in judged}
    if whole:
        found = _together(whole[0], by_name, wording)
    else:
        found = (_of_window(one, wording, one.column in model.outputs) for one in judged)
    shown = [one for one in found if one.name not in hidden]
    return tuple(sorted(shown, key=lambda one: one.rank))


def _of_window(one: Newest, wording: Wording, is_output: bool) -> Feature:
    point = one.point
    return Feature(
        one.column,
        wording.column(one.column),
        "output" if is_output else "feature",
        one.method,
        point.rows,
        point.effect,
        point.low,
        point.high,
        point.p_value,
        point.p_threshold,
        bool(point.drifted),
        one.windows,
        one.drifted,
    )


def _together(whole: Compared, judged: dict[str, Newest], wording: Wording) -> Iterator[Feature]:
    for column in whole.comparison.columns if whole.comparison else ():
        windowed = judged.get(column.name)
        yield Feature(
            column.name,
            wording.column(column.name),
            column.role,
            column.method,
            column.rows,
            column.effect,
            column.low,
            column.high,
            column.p_value,
            column.p_threshold,
            column.drifted,
            windowed.windows if windowed else 0,
            windowed.drifted if windowed else 0,
        )


def _tolerance(judged: list[Newest], comparison: Comparison | None) -> float | None:
    if comparison is not None:
        return comparison.tolerance
    return judged[-1].point.tolerance if judged else None


def _open_alarms(showing: Showing, chosen: Chosen) -> tuple[OpenAlarm, ...]:
    found = showing.store.series.rows(
        "SELECT id, detector, raised_ns FROM alarm WHERE model = ? AND version = ?"
        " AND cleared_ns IS NULL AND (detector IN ('drift', 'versions', 'joint')"
        " OR detector LIKE 'alibi:%') ORDER BY raised_ns DESC LIMIT 10",
        (chosen.model, chosen.version),
    )
    return tuple(OpenAlarm(*one) for one in found)
