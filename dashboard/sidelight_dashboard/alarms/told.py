"""Alarms as they were raised and cleared: which there are, the newest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import orjson

from sidelight.config.settings import Settings
from sidelight_dashboard.hiding import hidden_in, is_told
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.store.opening import Row, Store
from sidelight_dashboard.words.groups import columns_of

State = Literal["raised", "cleared"]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A column of a segment that speaks for the alarm, larger `evidence` the louder; `segment` is
    empty for all rows."""

    segment: str
    column: str
    evidence: float | None


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm. `cleared_ns` is None while it stands; times are nanoseconds of event time.

    `evidence` was held against `evidence_threshold` when it was raised; the worst suspect is the
    first. `version` is empty where the detector does not tell versions apart; `against` is the
    other one where two are compared.
    """

    id: str
    model: str
    version: str
    against: str
    detector: str
    state: State
    raised_ns: int
    cleared_ns: int | None
    cleared_reason: str
    reason: str
    evidence: float | None
    evidence_threshold: float | None
    suspects: tuple[Suspect, ...]

    @property
    def path(self) -> str:
        """Of its page."""
        return f"/alarms/{self.id}"

    @property
    def subject(self) -> str:
        """``income, version 2 beside version 1``."""
        version = f", version {self.version}" if self.version else ""
        return f"{self.model}{version}" + (
            f" beside version {self.against}" if self.against else ""
        )

    @property
    def is_open(self) -> bool:
        return self.state == "raised"


@dataclass(frozen=True)
class Search:
    """Which alarms; what is empty is not asked for. `after` is the id of the one before."""

    model: str = ""
    version: str = ""
    detector: str = ""
    state: State | Literal[""] = ""
    after: str = ""

    def rows(self, showing: Showing, most: int) -> tuple[Alarm, ...]:
        """At most so many, the newest first."""
        found = showing.store.series.rows(_FIND, self._given | {"most": most})
        return tuple(alarm_of(one, showing.settings) for one in found)

    def count(self, store: Store) -> int:
        """All of them, whatever `after` says."""
        ((found,),) = store.series.rows(_COUNT, self._given | {"after": ""})
        return int(found)

    @property
    def _given(self) -> dict[str, str | int]:
        names = ("model", "version", "detector", "state", "after")
        return {name: getattr(self, name) for name in names}


_WANTED = """
FROM alarm WHERE :model IN ('', model) AND :version IN ('', version)
  AND :detector IN ('', detector)
  AND :state IN ('', iif(cleared_ns IS NULL, 'raised', 'cleared'))
  AND (:after = ''
       OR (raised_ns, id) < (SELECT raised_ns, id FROM alarm WHERE id = :after))
"""

_COLUMNS = """
SELECT id, model, version, against, detector, raised_ns, cleared_ns, cleared_reason, reason,
  evidence, evidence_threshold, suspects
"""

_FIND = f"{_COLUMNS} {_WANTED} ORDER BY raised_ns DESC, id DESC LIMIT :most"
_COUNT = f"SELECT count(*) {_WANTED}"


def alarm_of(found: Row, settings: Settings) -> Alarm:
    """As `Search.rows` asks for it; suspects that are hidden are not told."""
    id_, model, version, against, detector, raised_ns, cleared_ns, *told, suspects = found
    cleared_reason, reason, evidence, threshold = told
    hidden = hidden_in(settings, model)
    return Alarm(
        id_,
        model,
        version,
        against,
        detector,
        "raised" if cleared_ns is None else "cleared",
        raised_ns,
        cleared_ns,
        cleared_reason,
        reason,
        evidence,
        threshold,
        tuple(
            Suspect(one.get("segment", ""), one["column"], one["evidence"])
            for one in orjson.loads(suspects)
            if is_told(columns_of(one["column"]), hidden)
        ),
    )


@dataclass(frozen=True, slots=True)
class Offered:
    """What there is to filter by: the versions and detectors that ever had an alarm."""

    versions: tuple[str, ...]
    detectors: tuple[str, ...]


def offered(store: Store) -> Offered:
    """Sorted by name."""
    found = store.series.rows("SELECT DISTINCT version, detector FROM alarm")
    versions, detectors = ({row[place] for row in found} for place in (0, 1))
    return Offered(tuple(sorted(versions - {""})), tuple(sorted(detectors)))
