"""What a report is asked to tell of, and which rows, alarms and stretch of time that is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sidelight.errors import MalformedPayload
from sidelight_dashboard.alarms.links import AFTER, BEFORE
from sidelight_dashboard.alarms.one import OneAlarm, one_alarm
from sidelight_dashboard.chosen import Asked, Chosen, chosen
from sidelight_dashboard.comparing.compared import SLOTS, given
from sidelight_dashboard.refusals import NotFound
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.times import HOUR_NS, iso

MOST_ALARMS = 20
"""Of one model, told in full: those that stand, then the newest."""

ANYTHING = Asked(None, "", "", "", "")
"""The newest version, all rows, the day before the newest of them."""


@dataclass(frozen=True)
class Wanted:
    """A model, every model when none is named, or one alarm. `asked` as of a page."""

    model: str = ""
    asked: Asked = ANYTHING
    alarm: str = ""


@dataclass(frozen=True)
class Subject:
    """One version of a model in a stretch of time; `rows` of it were scored then.

    `alarms` are the first of those that stood then, and there were `alarms_in_all`.
    """

    chosen: Chosen
    rows: int
    alarms: tuple[OneAlarm, ...]
    alarms_in_all: int

    @property
    def name(self) -> str:
        """``income, version 2``."""
        version = f", version {self.chosen.version}" if self.chosen.version else ""
        segment = f", segment {self.chosen.segment}" if self.chosen.segment else ""
        return f"{self.chosen.model}{version}{segment}"


def subjects(showing: Showing, wanted: Wanted) -> tuple[Subject, ...]:
    """Raises `UnknownModel`, `NotFound` when there is no such thing, or nothing to tell of it,
    and `MalformedPayload`."""
    if wanted.alarm:
        return (_of_alarm(showing, wanted),)
    models = (wanted.model,) if wanted.model else tuple(showing.settings.models)
    if wanted.asked.version is not None and len(models) > 1:
        raise MalformedPayload("a version is one model's; name the model too", where="version")
    found = tuple(one for model in models if (one := _of_model(showing, model, wanted.asked)))
    if not found:
        raise NotFound(_nothing(showing, models, wanted.asked))
    return found


def _of_model(showing: Showing, model: str, asked: Asked) -> Subject | None:
    shown = _fixed(chosen(showing, model, asked))
    rows = _rows(showing, shown)
    ids = _alarms(showing, shown, asked.version)
    if not (rows or ids or _is_judged(showing, shown)):
        return None
    alarms = tuple(one_alarm(showing, id_) for id_ in ids[:MOST_ALARMS])
    return Subject(shown, rows, alarms, len(ids))


def _of_alarm(showing: Showing, wanted: Wanted) -> Subject:
    told = one_alarm(showing, wanted.alarm)
    model = told.alarm.model
    if wanted.model not in ("", model):
        raise MalformedPayload(f"alarm {wanted.alarm} is one of {model}", where="model")
    shown = _fixed(chosen(showing, model, _around(told, wanted.asked)))
    return Subject(shown, _rows(showing, shown), (told,), 1)


def _around(told: OneAlarm, asked: Asked) -> Asked:
    """As asked for; else how the alarm came, and what followed."""
    begin_ns, end_ns = _stretch(told)
    version = told.alarm.version or None if asked.version is None else asked.version
    if asked.begin or asked.end or asked.last:
        return replace(asked, version=version)
    return replace(asked, version=version, begin=iso(begin_ns), end=iso(end_ns))


def _stretch(told: OneAlarm) -> tuple[int, int]:
    if told.attack is not None:
        return told.attack.first_ns, told.attack.last_ns
    if told.window is None:
        return max(told.alarm.raised_ns - 24 * HOUR_NS, 0), told.alarm.raised_ns
    length_ns = told.window.end_ns - told.window.begin_ns
    begin_ns = max(told.window.begin_ns - BEFORE * length_ns, 0)
    return begin_ns, told.window.end_ns + AFTER * length_ns


def _fixed(shown: Chosen) -> Chosen:
    """With exact times: what comes while a report is made is not in it."""
    return replace(shown, is_default=False, last="")


def _rows(showing: Showing, shown: Chosen) -> int:
    ((found,),) = showing.store.series.rows(f"SELECT sum(rows) {SLOTS}", dict(given(shown)))
    return int(found or 0)


def _is_judged(showing: Showing, shown: Chosen) -> bool:
    """Windows may outlive what they were judged from."""
    return bool(
        showing.store.series.rows(
            "SELECT 1 FROM judged WHERE model = ? AND version IN (?, '')"
            " AND end_ns >= ? AND begin_ns <= ? LIMIT 1",
            (shown.model, shown.version, shown.begin_ns, shown.end_ns),
        )
    )


def _alarms(showing: Showing, shown: Chosen, version: str | None) -> list[str]:
    """Ids of those that stood at any time of the stretch; of all versions where none is named."""
    found = showing.store.series.rows(
        "SELECT id FROM alarm WHERE model = :model AND (:version IS NULL OR version = :version)"
        " AND raised_ns <= :end AND coalesce(cleared_ns, :end) >= :begin"
        " ORDER BY cleared_ns IS NOT NULL, raised_ns DESC, id",
        {
            "model": shown.model,
            "version": version,
            "begin": shown.begin_ns,
            "end": shown.end_ns,
        },
    )
    return [id_ for (id_,) in found]


def _nothing(showing: Showing, models: tuple[str, ...], asked: Asked) -> str:
    """Why, and what helps."""
    names = ", ".join(models) or "any model"
    if not any(chosen(showing, model, ANYTHING).versions for model in models):
        return (
            f"there is nothing to tell: nothing of {names} has been scored yet; a report needs"
            " traffic in the log, and `sidelight detectors` to have run"
        )
    stretch = chosen(showing, models[0], asked)
    return (
        f"there is nothing to tell: no row of {names} was scored, and no alarm stood, from"
        f" {iso(stretch.begin_ns)} to {iso(stretch.end_ns)}; without a time a report tells the day"
        " before the newest row"
    )
