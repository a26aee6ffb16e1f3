"""What decides about the alarms of one detector on one model version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from sidelight_detectors.contract import Finding
from sidelight_detectors.summary import Summary

Change = Literal["raised", "cleared"]

WHOLE = ""
"""The segment that is all rows."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A column of a segment that speaks for the alarm; larger `evidence` speaks louder.

    `evidence` is an e-value where the rule has one, else how many times the p-value is below its
    threshold.
    """

    segment: str
    column: str
    evidence: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """A change of the alarm: why, on what evidence, and who is to blame, the worst first.

    `evidence` was held against `threshold` and is above it when the alarm is raised.
    """

    change: Change
    reason: str
    evidence: float = 0.0
    threshold: float = 0.0
    suspects: tuple[Suspect, ...] = ()


class AlarmRule(Protocol):
    """Folds what is seen of one model version, in the order of the log. No clock, no I/O.

    The watch calls `observe` once for every pane with rows of the version, before the windows that
    this pane completes are `judged`. Either may change the alarm.
    """

    @property
    def active(self) -> bool:
        """Whether the alarm is raised."""
        ...

    def observe(self, seen: Mapping[str, Summary], time_ns: int = 0) -> Verdict | None:
        """The rows of one pane by segment; `WHOLE` is always there.

        All are of one day (UTC); `time_ns` is the smallest event time.
        """
        ...

    def judged(self, segment: str, finding: Finding) -> Verdict | None:
        """A window of a segment (or `WHOLE`) was judged."""
        ...

    def saved(self) -> dict[str, Any]:
        """All of the state, for orjson."""
        ...

    def restore(self, saved: Mapping[str, Any]) -> None: ...


@runtime_checkable
class Weighing(Protocol):
    """A rule that gathers evidence: how much there is, and what raises the alarm."""

    @property
    def e_value(self) -> float: ...

    @property
    def threshold(self) -> float: ...


@runtime_checkable
class Ruling(Protocol):
    """A part that has a rule of its own for alarms on its windows or sums."""

    def rule(self) -> AlarmRule:
        """One that has seen nothing yet, for one model version."""
        ...
