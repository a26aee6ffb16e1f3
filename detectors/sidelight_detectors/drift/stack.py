"""Columns of numbers end to end in one vector, and what is done in each of them at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Number = TypeVar("Number", np.int64, np.float64)


@dataclass(frozen=True, eq=False)
class Stack:
    """Lengths of the columns, shape ``(F,)`` int64, none of them 0."""

    sizes: Integers

    @cached_property
    def starts(self) -> Integers:
        """Where each column begins."""
        return np.cumsum(self.sizes) - self.sizes

    @property
    def ends(self) -> Integers:
        """Where the last of each column lies."""
        return self.starts + self.sizes - 1

    def total(self, values: NDArray[Number]) -> NDArray[Number]:
        """The sum of each column, ``(F,)``."""
        totals: NDArray[Number] = np.add.reduceat(values, self.starts)
        return totals

    def largest(self, values: NDArray[Number]) -> NDArray[Number]:
        """The largest of each column, ``(F,)``."""
        largest: NDArray[Number] = np.maximum.reduceat(values, self.starts)
        return largest

    def spread(self, by_column: NDArray[Number]) -> NDArray[Number]:
        """One number a column, for all of the column."""
        return np.repeat(by_column, self.sizes)

    def running(self, counts: Integers, totals: Integers) -> Integers:
        """The running sum within each column; `totals` are the columns' sums."""
        stepped = counts.copy()
        stepped[self.starts[1:]] -= totals[:-1]
        return np.cumsum(stepped)


def stack_of(lengths: Iterable[int]) -> Stack:
    return Stack(np.array([*lengths], np.int64))
