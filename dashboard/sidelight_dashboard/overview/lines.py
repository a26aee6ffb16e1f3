"""One line for each model version in service: a word for each aspect, and its traffic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from urllib.parse import quote, urlencode

from sidelight.config.settings import ModelSettings, Settings
from sidelight_dashboard.alarms.told import Alarm
from sidelight_dashboard.outliers.flaggers import Flagger, configured
from sidelight_dashboard.overview.alarmed import alarms_status, of_aspect
from sidelight_dashboard.overview.flags import flags_status, ordinary, slots_of
from sidelight_dashboard.overview.freshness import Freshness
from sidelight_dashboard.overview.judging import judged_status
from sidelight_dashboard.overview.lag import Lag
from sidelight_dashboard.overview.status import ASPECTS, Aspect, Status, Word, prevailing, together
from sidelight_dashboard.overview.versions import Version, in_service, rows_per_second, versions_of
from sidelight_dashboard.overview.watched import aspect_of, aspects_watched, is_configured
from sidelight_dashboard.overview.windows import newest_windows
from sidelight_dashboard.rows.wording import Wording
from sidelight_dashboard.store.opening import Store
from sidelight_dashboard.times import NS

Statuses = Mapping[Aspect, Status]


@dataclass(frozen=True, slots=True)
class Line:
    """`word` is what prevails of `statuses`; NO DATA when no row was scored for long.

    `newest_ns` is the event time of the newest scored row, None where there is none.
    """

    model: str
    version: str
    word: Word
    statuses: dict[Aspect, Status]
    rows_per_second: float
    newest_ns: int | None


@dataclass(frozen=True, slots=True)
class Retired:
    """A version that answers no more."""

    model: str
    version: str
    first_ns: int
    last_ns: int


@dataclass(frozen=True)
class Lines:
    """Makes them, as things are at `now_ns`."""

    settings: Settings
    store: Store
    lag: Lag
    now_ns: int

    def of_model(self, model: str, alarms: Sequence[Alarm]) -> tuple[list[Line], list[Retired]]:
        """Lines of the versions in service, the newest first; and the others."""
        versions = versions_of(self.store, model)
        alarmed = frozenset(one.version for one in alarms)
        serving = in_service(versions, alarmed, self.settings.dashboard.stale_seconds)
        retired = [
            Retired(model, one.name, one.first_ns, one.last_ns)
            for one in versions
            if one not in serving
        ]
        if not serving:
            return [self._unseen(model, alarms)], retired
        rates = rows_per_second(self.store, model, self.now_ns, self._slot_ns)
        newest, *others = serving
        names = tuple(dict.fromkeys(("", newest.name)))
        lines = [self._line(model, newest, _of_newest(alarms, serving), rates, names)]
        for one in others:
            own = [alarm for alarm in alarms if alarm.version == one.name]
            lines.append(self._line(model, one, own, rates, (one.name,)))
        return lines, retired

    @property
    def _slot_ns(self) -> int:
        return int(self.settings.dashboard.pane_seconds * NS)

    def _unseen(self, model: str, alarms: Sequence[Alarm]) -> Line:
        """A model of which nothing was scored yet."""
        fresh = Freshness.of(self.settings).status(None, self.lag, self.now_ns)
        return self._told(model, "", self._statuses(model, alarms, fresh, ()), 0.0, None)

    def _line(
        self,
        model: str,
        version: Version,
        alarms: Sequence[Alarm],
        rates: Mapping[str, float],
        names: tuple[str, ...],
    ) -> Line:
        """`names` under which detectors speak of this version: some tell none apart."""
        fresh = Freshness.of(self.settings).status(version.last_ns, self.lag, self.now_ns)
        judged = tuple(self._judged(model, version, names)) if fresh.word != "NO DATA" else ()
        statuses = self._statuses(model, alarms, fresh, judged)
        told = {one: self._paged(model, version.name, one, statuses[one]) for one in ASPECTS}
        rate = rates.get(version.name, 0.0)
        return self._told(model, version.name, told, rate, version.last_ns)

    def _told(
        self, model: str, version: str, statuses: Statuses, rate: float, newest_ns: int | None
    ) -> Line:
        fresh = statuses["freshness"].word
        words = [one.word for one in statuses.values()]
        word = "NO DATA" if fresh == "NO DATA" and "ALARM" not in words else prevailing(words)
        return Line(model, version, word, dict(statuses), rate, newest_ns)

    def _statuses(
        self,
        model: str,
        alarms: Sequence[Alarm],
        fresh: Status,
        judged: Sequence[tuple[Aspect, Status]],
    ) -> dict[Aspect, Status]:
        settings = self.settings.models[model]
        watched, wording = aspects_watched(settings), Wording(settings.glossary)
        found: dict[Aspect, Status] = {}
        for aspect in ASPECTS:
            raised = of_aspect(alarms, aspect)
            said = [status for of, status in judged if of == aspect]
            if raised:
                found[aspect] = alarms_status(raised, wording)
            elif aspect == "freshness":
                found[aspect] = fresh if watched else Status("not watched", "")
            elif aspect not in watched:
                found[aspect] = Status("not watched", _how_to_watch(model, aspect))
            elif fresh.word == "NO DATA":
                found[aspect] = fresh
            else:
                found[aspect] = together(said) if said else _nothing_yet(aspect)
        return found

    def _judged(
        self, model: str, version: Version, names: tuple[str, ...]
    ) -> Iterator[tuple[Aspect, Status]]:
        """What each detector says, with its aspect."""
        settings = self.settings.models[model]
        windows = [
            one
            for name in names
            for one in newest_windows(self.store, model, name, version.last_ns)
            if aspect_of(one.key.detector) and is_configured(settings, one.key.detector)
        ]
        windows.sort(key=lambda one: one.key.detector)
        for detector, same in groupby(windows, key=lambda one: one.key.detector):
            status = judged_status(self.store, list(same), settings)
            yield aspect_of(detector) or "drift", status
        slots = slots_of(self.store, model, version.name)
        for flagger in configured(settings):
            usual = ordinary(self.store, model, flagger.name, _rate_of(settings, flagger))
            yield "outliers", flags_status(flagger, slots, usual)
        if settings.detectors.adversarial is not None:
            yield "attacks", self._unattacked(model, version)

    def _unattacked(self, model: str, version: Version) -> Status:
        """Since the last attack was over, or the version came."""
        ((ended,),) = self.store.series.rows(
            "SELECT max(cleared_ns) FROM alarm WHERE model = ? AND detector = 'adversarial'",
            (model,),
        )
        since = max(ended or 0, version.first_ns)
        return Status("OK", "No search for adversarial examples is under way.", since)

    def _paged(self, model: str, version: str, aspect: Aspect, status: Status) -> Status:
        """With the page that explains it, where it has none of its own."""
        if status.page or status.word == "not watched" or aspect == "freshness":
            return status
        query = f"?{urlencode({'version': version})}" if version else ""
        return replace(status, page=f"/models/{quote(model, safe='')}/{aspect}{query}")


def _nothing_yet(aspect: Aspect) -> Status:
    why = f"{aspect.capitalize()}: nothing has been judged yet; the first window is not full."
    return Status("NO DATA", why)


def _of_newest(alarms: Sequence[Alarm], serving: Sequence[Version]) -> list[Alarm]:
    """Its own, and those of no version that has a line."""
    others = {one.name for one in serving[1:]}
    return [one for one in alarms if one.version not in others]


def _how_to_watch(model: str, aspect: Aspect) -> str:
    detector = {"outliers": "outlier", "attacks": "adversarial"}.get(aspect, aspect)
    return f"Set models.{model}.detectors.{detector} to have it watched."


def _rate_of(settings: ModelSettings, flagger: Flagger) -> float:
    """As configured; 0 where the detector has no rate."""
    return float(getattr(getattr(settings.detectors, flagger.name), "rate", 0.0))
