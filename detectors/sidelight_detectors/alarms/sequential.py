"""The default alarm: evidence against a practical null, gathered pane by pane."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sidelight_detectors.alarms.evidence import Evidence, ever, steady
from sidelight_detectors.alarms.naming import LARGEST, named
from sidelight_detectors.alarms.quiet import Quiet
from sidelight_detectors.alarms.rule import WHOLE, Suspect, Verdict
from sidelight_detectors.alarms.stakes import Stakes
from sidelight_detectors.alarms.units import Tally
from sidelight_detectors.contract import Finding
from sidelight_detectors.summary import Summary

WHOLE_SHARE = 0.5
"""Of the bets, where there are segments too; these share the rest equally."""


@dataclass(frozen=True)
class Promise:
    """How often alarms may be false: ever at all with chance `alpha`, or every `run_length` units.

    `eta` is the part of either that is kept for an unlucky reference.
    """

    alpha: float
    eta: float
    run_length: float | None = None

    def threshold(self, raised: int) -> float:
        """What the evidence must reach after so many alarms were raised and cleared."""
        if self.run_length is not None:
            return self.run_length / (1 - self.eta)
        return (math.pi * (raised + 1)) ** 2 / (6 * (self.alpha - self.eta))


class SequentialRule:
    """Raised when the evidence reaches its threshold; cleared when effects are small again.

    Evidence is gathered for all rows and for each segment with stakes of its own; what counts is
    their weighted mean. While the alarm is raised no bets are made; when it is cleared a fresh
    process begins, at ``6 / (pi i)^2`` of the chance of a false alarm for the i-th. See `evidence`
    for what is promised and `quiet` for what clears it: all rows, and every segment that was named,
    must be quiet.
    """

    def __init__(self, stakes: Mapping[str, Stakes], promise: Promise, clear_after: int) -> None:
        self.stakes = stakes
        self.promise = promise
        self.clear_after = clear_after
        self._raised = 0
        self._units = {name: one.units() for name, one in stakes.items()}
        self._evidence = self._fresh()
        self._quiet: dict[str, Quiet] = {}

    @property
    def active(self) -> bool:
        return bool(self._quiet)

    @property
    def e_value(self) -> float:
        """The evidence there is now; while the alarm is raised, that on which it was."""
        values = (self._weight(name) * one.value for name, one in self._evidence.items())
        return min(sum(values), LARGEST)

    @property
    def threshold(self) -> float:
        """What raises the alarm."""
        return self.promise.threshold(self._raised)

    def observe(self, seen: Mapping[str, Summary], time_ns: int = 0) -> Verdict | None:
        tallies = {
            name: tally
            for name, summary in seen.items()
            if name in self._units and (tally := self._units[name].take(summary, time_ns))
        }
        return self._wait(tallies) if self.active else self._bet(tallies)

    def judged(self, segment: str, finding: Finding) -> Verdict | None:
        """Windows say nothing here: panes do."""
        return None

    def saved(self) -> dict[str, Any]:
        return {
            "raised": self._raised,
            "units": {name: one.saved() for name, one in self._units.items()},
            "evidence": {name: one.saved() for name, one in self._evidence.items()},
            "quiet": {name: one.saved() for name, one in self._quiet.items()},
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        self._raised = saved["raised"]
        for name, evidence in self._evidence.items():
            evidence.restore(saved["evidence"][name])
            self._units[name].restore(saved["units"][name])
        self._quiet = {name: Quiet(self.stakes[name].null) for name in saved["quiet"]}
        for name, quiet in self._quiet.items():
            quiet.restore(saved["quiet"][name])

    def _bet(self, tallies: Mapping[str, Tally]) -> Verdict | None:
        for name, tally in tallies.items():
            self._evidence[name].fold(tally.hits, tally.trials, tally.units)
        if self.e_value < self.threshold:
            return None
        suspects = named(self._suspects(), self.threshold)
        blamed = dict.fromkeys([WHOLE, *(one.segment for one in suspects)])
        self._quiet = {name: Quiet(self.stakes[name].null) for name in blamed}
        return Verdict("raised", "drift", self.e_value, self.threshold, suspects)

    def _wait(self, tallies: Mapping[str, Tally]) -> Verdict | None:
        for name, quiet in self._quiet.items():
            if name in tallies:
                quiet.fold(tallies[name].hits, tallies[name].trials)
        if any(quiet.streak < self.clear_after for quiet in self._quiet.values()):
            return None
        self._quiet, self._raised, self._evidence = {}, self._raised + 1, self._fresh()
        return Verdict("cleared", "quiet", self.e_value, self.threshold)

    def _suspects(self) -> list[Suspect]:
        return [
            Suspect(segment, column, min(value, LARGEST))
            for segment, stakes in self.stakes.items()
            for column, value in zip(
                stakes.names,
                stakes.bets.by_column(self._evidence[segment].wealth, len(stakes.names)).tolist(),
                strict=True,
            )
        ]

    def _weight(self, name: str) -> float:
        if len(self.stakes) == 1:
            return 1.0
        return WHOLE_SHARE if name == WHOLE else (1 - WHOLE_SHARE) / (len(self.stakes) - 1)

    def _fresh(self) -> dict[str, Evidence]:
        by_time = self.promise.run_length is None
        return {
            name: Evidence(one.bets, ever(one.scale) if by_time else steady)
            for name, one in self.stakes.items()
        }
