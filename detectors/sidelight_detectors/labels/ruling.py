"""Alarms by what came true: each part's rule hears of every final window once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sidelight_detectors.alarms.rule import Verdict
from sidelight_detectors.labels.bucket import Bucket
from sidelight_detectors.labels.contract import SettledRule, SettledRuling, Settling
from sidelight_detectors.labels.naming import detector_of
from sidelight_detectors.results.findings import About, Alarm, UnjudgedResult, WindowResult
from sidelight_detectors.streaming.folds import Standing, Watched
from sidelight_detectors.streaming.raising import Cause, alarm_of
from sidelight_detectors.streaming.states import AlarmLog


@dataclass
class Ruled:
    """A rule on one model version, and the alarms it raised."""

    rule: SettledRule
    log: AlarmLog = field(default_factory=AlarmLog)


class Rulings:
    """The rules of all parts that have one, by version and part; `rows` were settled of each."""

    def __init__(self, watched: Watched, parts: Mapping[str, Settling]) -> None:
        self.known: dict[tuple[str, str], Ruled] = {}
        self.rows: Counter[str] = Counter()
        self._watched = watched
        self._parts = parts

    def settled(
        self, name: str, version: str, bucket: Bucket, result: WindowResult | UnjudgedResult
    ) -> Iterator[Alarm]:
        """A window is final."""
        ruled = self._ruled(name, version)
        if ruled is None:
            return
        verdict = ruled.rule.settled(bucket.sums[name])
        if verdict is None:
            return
        judged = result if isinstance(result, WindowResult) else None
        cause = Cause(result.seen.last_ns, self.rows[version], judged)
        yield self._alarm(version, name, ruled, verdict, cause)

    def end(self, time_ns: int) -> Iterator[Alarm]:
        """What is raised under this plan is raised no more."""
        for (version, name), ruled in self.known.items():
            if ruled.log.raised_by:
                cause = Cause(time_ns, self.rows[version])
                yield self._alarm(version, name, ruled, Verdict("cleared", "new plan"), cause)

    def standing(self) -> list[Standing]:
        return [
            Standing(version, detector_of(name), ruled.log.raised, ruled.rule.active)
            for (version, name), ruled in list(self.known.items())
        ]

    def raised(self) -> list[tuple[str, str, str]]:
        """Version, id and detector of each alarm that is raised."""
        return [
            (version, ruled.log.raised_by, detector_of(name))
            for (version, name), ruled in self.known.items()
            if ruled.log.raised_by
        ]

    def saved(self) -> dict[str, Any]:
        ruled = [
            [version, name, one.rule.saved(), one.log]
            for (version, name), one in self.known.items()
        ]
        return {"rows": self.rows, "known": ruled}

    def restore(self, saved: Mapping[str, Any]) -> None:
        self.rows = Counter(saved["rows"])
        for version, name, rule, log in saved["known"]:
            ruled = self._ruled(name, version)
            if ruled is not None:
                ruled.rule.restore(rule)
                ruled.log = AlarmLog(**log)

    def _alarm(
        self, version: str, name: str, ruled: Ruled, verdict: Verdict, cause: Cause
    ) -> Alarm:
        about = About(self._watched.model, version, self._watched.plan)
        return alarm_of(about, detector_of(name), ruled.log, verdict, cause)

    def _ruled(self, name: str, version: str) -> Ruled | None:
        part = self._parts.get(name)
        if not isinstance(part, SettledRuling):
            return None
        return self.known.setdefault((version, name), Ruled(part.settled_rule()))
