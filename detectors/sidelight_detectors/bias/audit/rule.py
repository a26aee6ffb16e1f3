"""The alarm of bias: raised on evidence of a breach, cleared when the groups are alike again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sidelight_detectors.alarms.naming import LARGEST, named
from sidelight_detectors.alarms.rule import WHOLE, Suspect, Verdict
from sidelight_detectors.alarms.sequential import Promise
from sidelight_detectors.bias.audit.calm import Calm
from sidelight_detectors.bias.audit.evidence import Evidence
from sidelight_detectors.bias.audit.sides import Floats, sides_of
from sidelight_detectors.bias.contract import Compared
from sidelight_detectors.contract import Finding, Sums
from sidelight_detectors.summary import Summary

CLEAR_AFTER = 3
"""Calm blocks of panes, or windows of labels, in a row that clear an alarm."""

ENOUGH = 100
"""Rows that make a block: in panes of a few rows there often is but one of two groups."""


class AuditRule:
    """Bets on every comparison against what is allowed; their mean e-value raises the alarm.

    It is an `AlarmRule` over the panes' sums of `part`, in blocks, and a `SettledRule` over final
    windows. How many rows a block has must not depend on what is counted in them. The chance that
    it ever raises a false alarm is at most `alpha` (`promises.of_audit`): the first alarm has
    ``6 / pi^2`` of that, the i-th ``1 / i^2`` as much. Comparisons are named by e-BH. `reference`
    are sums of its rows, where there are such: what the first bets expect.
    """

    def __init__(
        self, compared: Compared, alpha: float, part: str = "bias", reference: Sums | None = None
    ) -> None:
        self.compared = compared
        self.part = part
        self.promise = Promise(alpha, 0.0)
        self._sides = sides_of(compared.comparisons)
        self._raised = 0
        self._rows = 0
        self._waiting = np.zeros(1, np.int64)
        self._before = self._before_it(reference)
        self._evidence = Evidence(self._sides, self._before)
        self._calm: Calm | None = None

    @property
    def active(self) -> bool:
        return self._calm is not None

    @property
    def e_value(self) -> float:
        """The evidence there is now; while the alarm is raised, that on which it was."""
        values = self._evidence.values()
        return min(float(values.mean()), LARGEST) if values.size else 0.0

    @property
    def threshold(self) -> float:
        """What raises the alarm."""
        return self.promise.threshold(self._raised)

    def observe(self, seen: Mapping[str, Summary], time_ns: int = 0) -> Verdict | None:
        self._rows += seen[WHOLE].rows
        self._waiting = self._waiting + seen[WHOLE].sums[self.part]
        if self._rows < ENOUGH:
            return None
        block, self._rows, self._waiting = self._waiting, 0, np.zeros(1, np.int64)
        return self.settled(block)

    def judged(self, segment: str, finding: Finding) -> Verdict | None:
        """Windows say nothing here: panes do."""
        return None

    def settled(self, sums: Sums) -> Verdict | None:
        counts = self._sides.gather(self.compared.tally(sums))
        return self._bet(counts) if self._calm is None else self._wait(self._calm, counts)

    def saved(self) -> dict[str, Any]:
        return {
            "raised": self._raised,
            "rows": self._rows,
            "waiting": self._waiting.tolist(),
            "evidence": self._evidence.saved(),
            "calm": self._calm and self._calm.saved(),
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        self._raised, self._rows = saved["raised"], saved["rows"]
        self._waiting = np.array(saved["waiting"], np.int64)
        self._evidence.restore(saved["evidence"])
        self._calm = saved["calm"] and Calm.restored(self._sides, saved["calm"])

    def _bet(self, counts: Floats) -> Verdict | None:
        self._evidence.fold(counts)
        if self.e_value < self.threshold:
            return None
        suspects = named(self._suspects(), self.threshold)
        names = {one.column for one in suspects}
        all_names = [one.name for one in self.compared.comparisons]
        blamed = tuple(place for place, name in enumerate(all_names) if name in names)
        self._calm = Calm(self._sides, blamed)
        return Verdict("raised", "bias", self.e_value, self.threshold, suspects)

    def _wait(self, calm: Calm, counts: Floats) -> Verdict | None:
        if calm.fold(counts) < CLEAR_AFTER:
            return None
        verdict = Verdict("cleared", "calm", self.e_value, self.threshold)
        self._calm, self._raised = None, self._raised + 1
        self._evidence = Evidence(self._sides, self._before)
        return verdict

    def _before_it(self, reference: Sums | None) -> Floats:
        if reference is None:
            return np.zeros((3, *self._sides.rates.shape))
        return self._sides.gather(self.compared.tally(reference))

    def _suspects(self) -> list[Suspect]:
        values = np.minimum(self._evidence.values(), LARGEST).tolist()
        pairs = zip(self.compared.comparisons, values, strict=True)
        return [Suspect(WHOLE, one.name, value) for one, value in pairs]
