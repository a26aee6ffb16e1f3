"""Rules about the features of a table's row, and reference rows changed to meet them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from sidelight.tensors import Columns
from sidelight_explainers.anchors.predicates import Borders, Predicate, predicates, words
from sidelight_explainers.anchors.world import Draws, Rule
from sidelight_explainers.contents.anchor import Condition
from sidelight_explainers.games.blend import Blend, Codes, blend

LEAST = 6
"""Draws for each of several rules that are compared; with fewer, chance would choose."""


@dataclass(frozen=True, eq=False)
class Table:
    """A draw given a rule is a reference row; where a feature does not meet the rule its value is
    that of another reference row (or of the explained one) which does.

    `holds` (c, m) says which of m reference rows meet which predicate.
    """

    mix: Blend
    predicates: tuple[Predicate, ...]
    holds: NDArray[np.bool_]

    @classmethod
    def of(cls, row: Columns, background: Columns, cuts: Borders) -> Table:
        """`DataMismatch` names the feature whose type does not go with the background's."""
        mix = blend(row.select(background.names), background)
        every = predicates(mix.palette.take([mix.size]), cuts)
        columns = mix.palette.take(slice(mix.size)).columns
        holds = [one.holds(columns[one.feature]) for one in every]
        return cls(mix, every, np.array(holds, bool).reshape(len(every), mix.size))

    @property
    def distribution(self) -> str:
        return (
            f"{self.mix.size} reference rows; a value that breaks the rule is replaced by that of"
            " a row that keeps it"
        )

    def explained(self) -> Columns:
        return self.mix.palette.take([self.mix.size])

    def longer(self, rule: Rule) -> list[Rule]:
        return [
            self._with(rule, at)
            for at, one in enumerate(self.predicates)
            if not any(one.widens(self.predicates[held]) for held in rule)
        ]

    def shorter(self, rule: Rule) -> list[Rule]:
        found = []
        for at in rule:
            rest = tuple(held for held in rule if held != at)
            found.append(rest)
            found += [self._with(rest, wider) for wider in self._next_wider(at)]
        return found

    def coverage(self, rule: Rule) -> float:
        return float(self.holds[list(rule)].all(axis=0).mean())

    def fresh(self, rules: Sequence[Rule], rows: int, rng: Generator) -> Draws:
        count = max(rows // len(rules), LEAST)
        return self._draws(rules, count, rng)

    def survey(
        self, stems: Sequence[Rule], rules: Sequence[Rule], rows: int, rng: Generator
    ) -> Draws:
        return self.fresh(rules, rows, rng)

    def conditions(self, rule: Rule) -> tuple[Condition, ...]:
        held = [self.predicates[at] for at in rule]
        names = self.mix.palette.names
        return tuple(
            Condition(names[feature], feature, words(names[feature], list(together)))
            for feature, together in groupby(held, lambda one: one.feature)
        )

    def layout(self) -> None:
        return None

    def _with(self, rule: Rule, at: int) -> Rule:
        """The rule with one more condition, without those that it makes needless."""
        one = self.predicates[at]
        kept = [held for held in rule if not self.predicates[held].widens(one)]
        return tuple(sorted([*kept, at]))

    def _next_wider(self, at: int) -> list[int]:
        follower = at + 1
        wider = follower < len(self.predicates) and self.predicates[follower].widens(
            self.predicates[at]
        )
        return [follower] if wider else []

    def _draws(self, rules: Sequence[Rule], count: int, rng: Generator) -> Draws:
        """So many draws for each rule, all from the same rows and the same luck, which makes the
        rules easier to compare and many rows the same."""
        base = rng.integers(self.mix.size, size=count)
        luck = rng.random((count, len(self.mix.palette.columns)))
        sources = np.concatenate([self._sources(rule, base, luck) for rule in rules])
        keys = np.take_along_axis(self.mix.codes, sources, axis=0)
        of = np.repeat(np.eye(len(rules), dtype=bool), count, axis=1)
        return Draws(keys, of, lambda chosen: self.mix.rows(sources[chosen]))

    def _sources(self, rule: Rule, base: NDArray[np.intp], luck: NDArray[np.float64]) -> Codes:
        """The palette row (count, n) that each feature of each draw comes from."""
        width = len(self.mix.palette.columns)
        sources = np.repeat(base.astype(np.int32)[:, None], width, axis=1)
        for feature, together in groupby(rule, lambda at: self.predicates[at].feature):
            meets = np.asarray(self.holds[list(together)].all(axis=0))
            donors = np.append(np.flatnonzero(meets), self.mix.size)
            breaks = np.flatnonzero(~meets[base])
            chosen = (luck[breaks, feature] * len(donors)).astype(np.intp)
            sources[breaks, feature] = donors[chosen]
        return sources
