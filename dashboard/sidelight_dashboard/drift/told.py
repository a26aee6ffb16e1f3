"""Which columns changed, by how much, and since when."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sidelight.panes import Column
from sidelight_dashboard.chosen import Chosen
from sidelight_dashboard.compared import Compared, compared
from sidelight_dashboard.drift import windows
from sidelight_dashboard.drift.windows import Newest, Point, Window
from sidelight_dashboard.rows.columns import hidden_of
from sidelight_dashboard.rows.wording import Wording
from sidelight_dashboard.showing import Showing


@dataclass(frozen=True)
class Feature:
    """A watched column.

    `newest` is the newest window that ended in the stretch of time, in which `drifted` of `windows`
    drifted. `whole` are all rows of the stretch together, under the newest plan. Either may be
    missing.
    """

    name: str
    label: str
    role: str
    method: str
    newest: Point | None
    windows: int
    drifted: int
    whole: Column | None

    @property
    def has_drifted(self) -> bool:
        """In its newest window; where none was judged, as all rows together say."""
        if self.newest is not None:
            return bool(self.newest.drifted)
        return self.whole is not None and self.whole.drifted

    @property
    def rank(self) -> tuple[float, float, float, str]:
        """What is surely large first; then what looks large; what nobody observed last."""
        told = self.newest or self.whole
        if told is None or told.effect is None:
            return (0.0, 1.0, 0.0, self.name)
        return (-float(self.has_drifted), -told.low, -told.effect, self.name)


@dataclass(frozen=True)
class OpenAlarm:
    """An alarm of this version that is raised now."""

    id: str
    detector: str
    raised_ns: int


@dataclass(frozen=True)
class Drift:
    """One model version beside its reference, or beside the version `against`.

    `columns` come by effect, the surest first. `window` is the newest that was judged or refused.
    `whole` are all rows of the stretch, plan by plan, the newest first.
    """

    model: str
    version: str
    segment: str
    against: str
    begin_ns: int
    end_ns: int
    tolerance: float | None
    window: Window | None
    columns: tuple[Feature, ...]
    whole: tuple[Compared, ...]
    alarms: tuple[OpenAlarm, ...]

    @property
    def drifted(self) -> tuple[Feature, ...]:
        """Those that drifted in the newest window."""
        return tuple(one for one in self.columns if one.has_drifted)

    def column(self, name: str) -> Feature | None:
        """The one asked for, else the first of all."""
        found = (one for one in self.columns if not name or one.name == name)
        return next(found, None)


def drift(showing: Showing, chosen: Chosen, against: str = "") -> Drift:
    """All there is to say of the chosen stretch; `against` is another version."""
    judged = windows.newest(showing.store, chosen, against)
    last = windows.windows(showing.store, chosen, against, most=1)
    whole = () if against else compared(showing, chosen)
    return Drift(
        chosen.model,
        chosen.version,
        chosen.segment,
        against,
        chosen.begin_ns,
        chosen.end_ns,
        _tolerance(judged, whole),
        last[0] if last else None,
        _features(showing, chosen.model, judged, whole),
        whole,
        _open_alarms(showing, chosen),
    )


def course(showing: Showing, chosen: Chosen, against: str, column: str) -> list[Point]:
    """One column over time; of one that redaction drops now there is nothing to show."""
    if column in hidden_of(showing.settings.models[chosen.model]):
        return []
    return windows.points(showing.store, chosen, against, column)


def _features(
    showing: Showing, model: str, judged: list[Newest], whole: tuple[Compared, ...]
) -> tuple[Feature, ...]:
    settings = showing.settings.models[model]
    wording, hidden = Wording(settings.glossary), hidden_of(settings)
    first = whole[0].comparison if whole else None
    together = {} if first is None else {one.name: one for one in first.columns}
    windowed = {one.column: one for one in judged}
    found = []
    for name in {**together, **windowed}:
        if name in hidden:
            continue
        column, one = together.get(name), windowed.get(name)
        is_output = name in settings.outputs if column is None else column.role == "output"
        found.append(
            Feature(
                name,
                wording.column(name),
                "output" if is_output else "feature",
                one.method if one else column.method if column else "",
                one.point if one else None,
                one.windows if one else 0,
                one.drifted if one else 0,
                None if column is None else replace(column, bars=()),
            )
        )
    return tuple(sorted(found, key=lambda one: one.rank))


def _tolerance(judged: list[Newest], whole: tuple[Compared, ...]) -> float | None:
    if judged:
        return judged[-1].point.tolerance
    told = (one.comparison.tolerance for one in whole if one.comparison)
    return next(told, None)


def _open_alarms(showing: Showing, chosen: Chosen) -> tuple[OpenAlarm, ...]:
    found = showing.store.series.rows(
        "SELECT id, detector, raised_ns FROM alarm WHERE model = ? AND version = ?"
        " AND cleared_ns IS NULL AND (detector IN ('drift', 'versions', 'joint')"
        " OR detector LIKE 'alibi:%') ORDER BY raised_ns DESC LIMIT 10",
        (chosen.model, chosen.version),
    )
    return tuple(OpenAlarm(*one) for one in found)
