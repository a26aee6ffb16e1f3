"""What rules are made of, and how rows are drawn to test them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from sidelight.tensors import Columns
from sidelight_explainers.contents.anchor import Condition
from sidelight_explainers.contents.layout import Layout

Rule = tuple[int, ...]
"""Conditions that hold together, by their numbers, ascending; () holds always."""

EMPTY: Rule = ()


@dataclass(frozen=True, eq=False)
class Draws:
    """Rows drawn for several rules.

    `keys` (r, k) are equal where rows are. `of` (rules, r) is True where a row is a draw in which
    that rule holds. `rows` makes the rows of the given numbers.
    """

    keys: NDArray[Any]
    of: NDArray[np.bool_]
    rows: Callable[[NDArray[np.intp]], Columns]

    def __len__(self) -> int:
        return len(self.keys)


class World(Protocol):
    """Conditions that hold for one explained row, and a distribution of rows around it."""

    @property
    def distribution(self) -> str:
        """What `fresh` draws from, in words."""
        ...

    def explained(self) -> Columns: ...

    def longer(self, rule: Rule) -> list[Rule]:
        """The rules with one condition more, or with one narrowed."""
        ...

    def shorter(self, rule: Rule) -> list[Rule]:
        """The rules with one condition less, or with one widened."""
        ...

    def coverage(self, rule: Rule) -> float:
        """The share of rows that the rule applies to."""
        ...

    def fresh(self, rules: Sequence[Rule], rows: int, rng: Generator) -> Draws:
        """Independent draws given each rule, about `rows` in all."""
        ...

    def survey(
        self, stems: Sequence[Rule], rules: Sequence[Rule], rows: int, rng: Generator
    ) -> Draws:
        """Draws to compare rules, each longer than one of the stems, about `rows` in all; those of
        one rule may be those of another too."""
        ...

    def conditions(self, rule: Rule) -> tuple[Condition, ...]:
        """The rule in words."""
        ...

    def layout(self) -> Layout | None: ...
