"""One line for each model version in service: a word for each aspect, and its traffic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sidelight.config.settings import Settings
from sidelight_dashboard.alarms.told import Alarm
from sidelight_dashboard.overview.aspects import Statuses, paged, statuses_of
from sidelight_dashboard.overview.freshness import Freshness
from sidelight_dashboard.overview.lag import Lag
from sidelight_dashboard.overview.saying import said_of
from sidelight_dashboard.overview.status import Word, prevailing
from sidelight_dashboard.overview.versions import Version, in_service, rows_per_second, versions_of
from sidelight_dashboard.store.opening import Store
from sidelight_dashboard.times import NS


@dataclass(frozen=True, slots=True)
class Line:
    """`word` is what prevails of `statuses`; NO DATA when no row was scored for long.

    `newest_ns` is the event time of the newest scored row, None where there is none.
    """

    model: str
    version: str
    word: Word
    statuses: Statuses
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
        lines = [self._seen(model, newest, _of_newest(alarms, serving), rates, names)]
        for one in others:
            own = [alarm for alarm in alarms if alarm.version == one.name]
            lines.append(self._seen(model, one, own, rates, (one.name,)))
        return lines, retired

    @property
    def _slot_ns(self) -> int:
        return int(self.settings.dashboard.pane_seconds * NS)

    def _unseen(self, model: str, alarms: Sequence[Alarm]) -> Line:
        """A model of which nothing was scored yet."""
        fresh = Freshness.of(self.settings).status(None, self.lag, self.now_ns)
        statuses = statuses_of(model, self.settings.models[model], alarms, fresh, ())
        return _line(model, "", statuses, 0.0, None)

    def _seen(
        self,
        model: str,
        version: Version,
        alarms: Sequence[Alarm],
        rates: Mapping[str, float],
        names: Sequence[str],
    ) -> Line:
        """`names` under which detectors speak of this version: some tell none apart."""
        settings = self.settings.models[model]
        fresh = Freshness.of(self.settings).status(version.last_ns, self.lag, self.now_ns)
        is_fresh = fresh.word != "NO DATA"
        said = tuple(said_of(self.store, model, settings, version, names)) if is_fresh else ()
        statuses = paged(statuses_of(model, settings, alarms, fresh, said), model, version.name)
        rate = rates.get(version.name, 0.0)
        return _line(model, version.name, statuses, rate, version.last_ns)


def _line(model: str, version: str, statuses: Statuses, rate: float, newest_ns: int | None) -> Line:
    words = [one.word for one in statuses.values()]
    is_blind = statuses["freshness"].word == "NO DATA" and "ALARM" not in words
    word = "NO DATA" if is_blind else prevailing(words)
    return Line(model, version, word, statuses, rate, newest_ns)


def _of_newest(alarms: Sequence[Alarm], serving: Sequence[Version]) -> list[Alarm]:
    """Its own, and those of no version that has a line."""
    others = {one.name for one in serving[1:]}
    return [one for one in alarms if one.version not in others]
