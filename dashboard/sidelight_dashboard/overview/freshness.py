"""Whether rows of a model are scored, and in time."""

from __future__ import annotations

from dataclasses import dataclass

from sidelight.config.settings import Settings
from sidelight_dashboard.overview.lag import Lag
from sidelight_dashboard.overview.status import Status
from sidelight_dashboard.times import NS

_READING = "The dashboard still reads what the detectors said; this page follows it."


@dataclass(frozen=True)
class Freshness:
    """How old the newest scored row may be, and how long a record may wait to be scored."""

    stale_seconds: float
    lag_seconds: float

    @classmethod
    def of(cls, settings: Settings) -> Freshness:
        """Detectors call themselves stalled after as long."""
        return cls(settings.dashboard.stale_seconds, settings.detectors.stalled_seconds)

    def status(self, last_ns: int | None, lag: Lag, now_ns: int) -> Status:
        """`last_ns` is the event time of the newest scored row, None when there never was one."""
        behind = lag.seconds(now_ns) > self.lag_seconds
        waiting = f"{lag.waiting:,} records of the log wait to be scored" if lag.waiting else ""
        if last_ns is None or self.is_stale(last_ns, now_ns):
            if lag.is_reading:
                return Status("NO DATA", _READING, last_ns)
            return Status("NO DATA", self._why(last_ns, waiting if behind else ""), last_ns)
        if behind and not lag.is_reading:
            why = f"Scoring lags: {waiting}, the oldest for {lag.seconds(now_ns):,.0f} s."
            return Status("WATCH", why, lag.since_ns)
        return Status("OK", "Rows are scored as they come.")

    def is_stale(self, last_ns: int, now_ns: int) -> bool:
        return now_ns - last_ns > self.stale_seconds * NS

    def _why(self, last_ns: int | None, waiting: str) -> str:
        said = "No row has been scored yet" if last_ns is None else "No row is scored any more"
        if waiting:
            return f"{said}, though {waiting}. See whether `sidelight detectors` runs."
        return f"{said}: no traffic of this model reaches the log."
