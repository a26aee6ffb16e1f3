"""Queries for the tests of attacks: people of a census, and searches around one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import orjson

from sidelight.config.settings import ModelSettings
from sidelight.demo.samples import CENSUS_NUMBERS
from sidelight.tensors import Column, Columns
from sidelight_detectors.adversarial.detector import QueryAttacks
from sidelight_detectors.adversarial.fold import Attacks
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.results.findings import Alarm, AttackResult, Output
from sidelight_detectors.streaming.folds import Traced, Watched
from sidelight_detectors.streaming.trace import Exchanges, Trace
from tests.detectors.data import census

START_NS, SECOND = 1_700_000_000_000_000_000, 1_000_000_000

REFERENCE = 16_000


@cache
def people() -> Fitted:
    """The first 16,000 people; the others are traffic."""
    table = census()
    features = {
        name: "numeric" if name in CENSUS_NUMBERS else "categorical"
        for name in table.names
        if name != "income"
    }
    settings = {"features": features, "detectors": {"adversarial": {}}}
    return fit(table.take(slice(0, REFERENCE)), ModelSettings.model_validate(settings))


def traffic(begin: int, end: int) -> Columns:
    """People that the reference does not have."""
    return census().take(slice(REFERENCE + begin, REFERENCE + end))


Step = Callable[[dict[str, float], np.random.Generator], dict[str, float]]


def search(around: int, steps: int, seed: int, size: float = 0.2) -> Columns:
    """One number at a time moves by `size` standard deviations; a third of the steps are kept.

    After Guo et al., "Simple black-box adversarial attacks", ICML 2019.
    """
    rng = np.random.default_rng(seed)
    row, table = traffic(around, around + 1), census()
    widths = {name: size * float(np.std(table[name].values)) for name in CENSUS_NUMBERS}
    now = {name: float(row[name].values[0]) for name in CENSUS_NUMBERS}
    found = [now]
    for _ in range(steps - 1):
        name = CENSUS_NUMBERS[int(rng.integers(len(CENSUS_NUMBERS)))]
        tried = {**now, name: now[name] + rng.choice([-1, 1]) * widths[name]}
        found.append(tried)
        now = tried if rng.random() < 0.3 else now
    return _around(row, found)


def walk(around: int, steps: int, seed: int) -> Columns:
    """Small steps in all numbers at once around a point that nears the row.

    As HopSkipJump asks: Chen, Jordan and Wainwright, IEEE S&P 2020.
    """
    rng = np.random.default_rng(seed)
    row, other = traffic(around, around + 1), traffic(around + 1, around + 2)
    widths = np.array([np.std(census()[name].values) for name in CENSUS_NUMBERS])
    here, there = (
        np.array([one[name].values[0] for name in CENSUS_NUMBERS], float) for one in (row, other)
    )
    found = [here]
    while len(found) < steps:
        noise = rng.normal(size=(25, len(here))) * widths * 0.05
        found += list(there + noise)
        there = here + 0.8 * (there - here)
    named = [dict(zip(CENSUS_NUMBERS, one.tolist(), strict=True)) for one in found[:steps]]
    return _around(row, named)


def _around(row: Columns, numbers: Sequence[dict[str, float]]) -> Columns:
    return Columns(
        tuple(
            Column(one.name, np.array([found[one.name] for found in numbers]))
            if one.name in CENSUS_NUMBERS
            else one.take(np.zeros(len(numbers), int))
            for one in row
        )
    )


@dataclass
class Stream:
    """A fold and what it said; queries come one a second from one client."""

    fitted: Fitted
    fold: Attacks
    pane: int = 0
    asked: int = 0
    outputs: list[Output] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)

    @classmethod
    def of(cls, fitted: Fitted, **settings: float) -> Stream:
        part = fitted.parts["adversarial"]
        assert isinstance(part, QueryAttacks)
        changed = replace(part, settings=part.settings.model_copy(update=settings))
        return cls(fitted, changed.fold(Watched("income", fitted.plan)))

    def ask(self, rows: Columns, client: str = "", each: int = 50) -> list[Output]:
        """What is said of these, in panes of `each` rows."""
        said: list[Output] = []
        for start in range(0, len(rows), each):
            trace = self._trace(rows.take(slice(start, start + each)), client)
            self.traces.append(trace)
            said += self.fold.accept(Traced(trace, self.pane, 0))
            self.pane += 1
        self.outputs += said
        return said

    def wait(self, seconds: float) -> list[Output]:
        """Event time goes on."""
        time_ns = START_NS + round((self.asked + seconds) * SECOND)
        said = list(self.fold.accept(Traced(Trace(self.fitted.plan), self.pane, time_ns)))
        self.traces.append(Trace(self.fitted.plan))
        self.pane += 1
        self.outputs += said
        return said

    def _trace(self, rows: Columns, client: str) -> Trace:
        count, first = len(rows), self.asked
        self.asked += count
        trail = self.fitted.observe(self.fitted.index(rows)).trails["adversarial"]
        numbers, zeros = np.arange(first, first + count), np.zeros(count, np.int32)
        subjects = np.zeros(count, np.uint64)
        exchanges = Exchanges(
            numbers, START_NS + numbers * SECOND, zeros + 1, zeros, zeros + bool(client), subjects,
            subjects,
        )  # fmt: skip
        clients = ("", client) if client else ("",)
        plan = self.fitted.plan
        return Trace(plan, 0, first, ("1",), clients, exchanges, {"adversarial": trail})

    @property
    def alarms(self) -> list[Alarm]:
        return [one for one in self.outputs if isinstance(one, Alarm)]

    @property
    def raised(self) -> list[Alarm]:
        return [one for one in self.alarms if one.change == "raised"]

    @property
    def results(self) -> list[AttackResult]:
        return [one for one in self.outputs if isinstance(one, AttackResult)]

    @property
    def state(self) -> bytes:
        return orjson.dumps(self.fold.saved())
