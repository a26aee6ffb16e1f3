"""Looking for runs: places that hold more different queries than traffic like the reference."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.adversarial.contract import PLACES
from sidelight_detectors.adversarial.density import Density
from sidelight_detectors.adversarial.memory import SPANS, Memory

Ints = NDArray[np.int64]

MAX_STARTS = 512
"""Queries of a place that are tried as the first of its run: the last ones."""

STEADY = 1.5
"""What is needed is worked out for so many queries, for that times as many, and so on."""


@dataclass(frozen=True, eq=False)
class Normal:
    """What ordinary queries look like.

    Parameters
    ----------
    density:
        How crowded places are.
    counts:
        Shape ``(tables * PLACES,)``: reference rows in each place.
    sample:
        Shape ``(r, tables)``: places of some reference rows.
    """

    density: Density
    counts: NDArray[np.int32]
    sample: NDArray[np.uint16]

    @property
    def tables(self) -> int:
        return int(self.sample.shape[1])


@dataclass(frozen=True)
class Rules:
    """When a run is an attack, and when it is over."""

    memory: int
    memory_ns: int
    quiet_ns: int
    least: int
    log_threshold: float
    crowding: float
    batch: int
    promise: str = ""


class Run(NamedTuple):
    """Queries of one place from the one on that speaks most against chance.

    `expected` of them are usual. `evidence` is the logarithm of a likelihood ratio.
    """

    serials: Ints
    evidence: float
    expected: float


class Search:
    """Finds runs of `least` queries or more whose evidence is enough."""

    def __init__(self, normal: Normal, memory: Memory, rules: Rules) -> None:
        self._normal = normal
        self._memory = memory
        self._least = rules.least
        self._log_threshold = rules.log_threshold
        self._rules = rules
        self._levels = normal.density.level_of(normal.counts)
        self._needed: dict[int, Ints] = {}

    def runs(self, fresh: Ints) -> Iterator[Run]:
        """Those that the newest queries may have made; what the caller spends is left out next."""
        counting = fresh[self._memory.is_counted(fresh)]
        if not len(counting):
            return
        flat = np.unique(self._memory.flat(counting))
        for span in range(len(SPANS)):
            for place in self._crossing(span, flat).tolist():
                run = self._run(span, place)
                if run is not None:
                    yield run

    def _crossing(self, span: int, flat: Ints) -> Ints:
        """Places that may hold a run: their counts are large beside the reference's."""
        counts = self._memory.counts(span, flat)
        likely = counts >= self._least
        flat, counts = flat[likely], counts[likely]
        if not len(flat):
            return flat
        needed = self._needed_at(_round(self._memory.totals[span]))
        return flat[counts >= needed[flat // PLACES, self._levels[flat]]]

    def _needed_at(self, total: int) -> Ints:
        if total not in self._needed:
            asked = (total, self._log_threshold, float(self._crowding(np.array([total]))[0]))
            found = self._normal.density.needed(*asked)
            self._needed[total] = np.maximum(found, self._least)
        return self._needed[total]

    def _crowding(self, trials: Ints) -> NDArray[np.float64]:
        """How crowded so many queries may be: what a batch holds may all come at once."""
        return self._rules.crowding * np.maximum(self._rules.batch / np.maximum(trials, 1), 1.0)

    def _run(self, span: int, place: int) -> Run | None:
        """The run in a place, if there is enough evidence for one."""
        if not len(self._crossing(span, np.array([place]))):
            return None  # It lost what an episode took that was found just before.
        serials = self._memory.counting_in(span, place)
        starts = np.arange(max(0, len(serials) - MAX_STARTS), len(serials) - self._least + 1)
        if not len(starts):
            return None
        density, table = self._normal.density, place // PLACES
        tables = np.full(len(starts), table)
        trials = self._memory.counted_after(span, serials[starts])
        known = np.full(len(starts), self._normal.counts[place], np.int64)
        hits = len(serials) - 1 - starts
        found = density.evidence(tables, known, hits, trials, self._crowding(trials))
        best = int(np.argmax(found))
        if found[best] < self._log_threshold:
            return None
        expected = density.expected(table, int(known[0]), int(trials[best]))
        return Run(serials[starts[best] :], float(found[best]), expected)


def _round(total: int) -> int:
    """Not above these: at fewer queries, no more are needed."""
    return int(STEADY ** math.floor(math.log(max(total, 1), STEADY)))
