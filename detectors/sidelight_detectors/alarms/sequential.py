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
from sidelight_detectors.alarms.stakes import Stakes, Tally
from sidelight_detectors.contract import Finding
from sidelight_detectors.summary import Summary


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

    While the alarm is raised no bets are made; when it is cleared a fresh process begins, at
    ``6 / (pi i)^2`` of the chance of a false alarm for the i-th. See `evidence` for what is
    promised and `quiet` for what clears it.
    """

    def __init__(self, stakes: Stakes, promise: Promise, clear_after: int) -> None:
        self.stakes = stakes
        self.promise = promise
        self.clear_after = clear_after
        self._raised = 0
        self._evidence = self._fresh()
        self._quiet: Quiet | None = None

    @property
    def active(self) -> bool:
        return self._quiet is not None

    @property
    def e_value(self) -> float:
        """The evidence there is now; while the alarm is raised, that on which it was."""
        return min(self._evidence.value, LARGEST)

    @property
    def threshold(self) -> float:
        """What raises the alarm."""
        return self.promise.threshold(self._raised)

    def observe(self, seen: Mapping[str, Summary]) -> Verdict | None:
        tally = self.stakes.tally(seen[WHOLE])
        return self._bet(tally) if self._quiet is None else self._wait(self._quiet, tally)

    def judged(self, segment: str, finding: Finding) -> Verdict | None:
        """Windows say nothing here: panes do."""
        return None

    def saved(self) -> dict[str, Any]:
        return {
            "raised": self._raised,
            "evidence": self._evidence.saved(),
            "quiet": None if self._quiet is None else self._quiet.saved(),
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        self._raised = saved["raised"]
        self._evidence.restore(saved["evidence"])
        self._quiet = None
        if saved["quiet"] is not None:
            self._quiet = Quiet(self.stakes.null)
            self._quiet.restore(saved["quiet"])

    def _bet(self, tally: Tally) -> Verdict | None:
        self._evidence.fold(tally.hits, tally.trials, tally.units)
        if self._evidence.value < self.threshold:
            return None
        self._quiet = Quiet(self.stakes.null)
        return Verdict("raised", "drift", self.e_value, self.threshold, self._suspects())

    def _wait(self, quiet: Quiet, tally: Tally) -> Verdict | None:
        if quiet.fold(tally.hits, tally.trials) < self.clear_after:
            return None
        self._quiet, self._raised, self._evidence = None, self._raised + 1, self._fresh()
        return Verdict("cleared", "quiet", self.e_value, self.threshold)

    def _suspects(self) -> tuple[Suspect, ...]:
        bets, names = self.stakes.bets, self.stakes.names
        values = bets.by_column(self._evidence.wealth, len(names)).tolist()
        suspects = [
            Suspect(WHOLE, name, min(value, LARGEST))
            for name, value in zip(names, values, strict=True)
        ]
        return named(suspects, self.threshold)

    def _fresh(self) -> Evidence:
        weigh = ever(self.stakes.scale) if self.promise.run_length is None else steady
        return Evidence(self.stakes.bets, weigh)
