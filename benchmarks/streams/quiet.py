"""Streams of correlated columns for the benchmarks of alarms: quiet, and then changed.

The columns share a common factor (correlation 0.36 between any two); each is standard normal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.config.settings import ModelSettings
from sidelight.tensors import Columns
from sidelight_detectors.alarms.rule import WHOLE, AlarmRule
from sidelight_detectors.fitted import DRIFT, Fitted, fit
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.summary import Summary

COLUMNS, REFERENCE, PANE = 30, 20_000, 250
AT_ONCE = 40
"""Panes drawn and indexed at once."""

Change = Callable[[NDArray[np.float64]], None]
"""Changes rows in place."""


def unchanged(rows: NDArray[np.float64]) -> None:
    """Nothing happens."""


def draw(rng: Generator, rows: int, columns: int = COLUMNS) -> NDArray[np.float64]:
    """Rows of that many columns."""
    common = rng.standard_normal((rows, 1))
    return np.asarray(0.6 * common + 0.8 * rng.standard_normal((rows, columns)))


def named(rows: NDArray[np.float64]) -> Columns:
    return Columns.of(**{f"x{number}": rows[:, number] for number in range(rows.shape[1])})


@dataclass(frozen=True)
class Stream:
    """A reference of its own, and panes like it from the same generator."""

    rng: Generator
    drift: dict[str, Any]
    columns: int = COLUMNS
    reference: int = REFERENCE

    @cached_property
    def fitted(self) -> Fitted:
        model = ModelSettings.model_validate({"detectors": {"drift": self.drift}})
        return fit(named(draw(self.rng, self.reference, self.columns)), model)

    @cached_property
    def plan(self) -> Plan:
        return Plan("quiet", self.fitted, DetectorsSettings())

    def rule(self) -> AlarmRule:
        return self.plan.rules()[DRIFT]

    def panes(self, rows: int, change: Change = unchanged, size: int = PANE) -> Iterator[Summary]:
        """Panes of `size` rows, with their counts alone: all that rules look at."""
        for indexed in self._indexed(rows, size, change):
            for part in np.split(indexed.cells, AT_ONCE):
                yield Summary(self.fitted.plan, size, self.fitted.grid.count(part))

    def windows(self, rows: int, size: int, change: Change = unchanged) -> Iterator[Summary]:
        """Windows of `size` rows, for the judge."""
        for indexed in self._indexed(rows, size, change):
            for part in np.split(np.arange(len(indexed)), AT_ONCE):
                yield self.fitted.summarise(indexed.take(part))

    def _indexed(self, rows: int, size: int, change: Change) -> Iterator[Indexed]:
        for _ in range(0, rows, size * AT_ONCE):
            drawn = draw(self.rng, size * AT_ONCE, self.columns)
            change(drawn)
            yield self.fitted.index(named(drawn))


def rows_until_raised(rule: AlarmRule, panes: Iterator[Summary]) -> int | None:
    """Rows up to the pane that raised the alarm; None when none did."""
    rows = 0
    for pane in panes:
        rows += pane.rows
        verdict = rule.observe({WHOLE: pane})
        if verdict is not None and verdict.change == "raised":
            return rows
    return None
