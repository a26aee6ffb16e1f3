"""An attempt: all that one attack asks, in order, and when it first had what it wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Columns
from tests.detectors.attacking.targets import Probabilities

WASTED = 10
"""Times as many answers out of memory as queries, after which an attack goes nowhere."""


@dataclass(frozen=True, eq=False)
class Attempt:
    """One attack on one victim.

    Parameters
    ----------
    queries:
        In the order asked, none twice.
    success:
        Number of the query, from 1, that first was an adversarial example; None when none was.
    """

    modality: str
    family: str
    victim: int
    queries: Columns
    success: int | None


class Enough(Exception):
    """The attack may ask no more."""


@dataclass
class Oracle:
    """Answers an attack, and writes down what it asks.

    It remembers what it asked: who counts queries does not ask the same twice. `is_success` tells
    whether a row of this answer is an adversarial example.
    """

    ask: Probabilities
    limit: int
    is_success: Callable[[Columns, int], bool]
    asked: list[Columns] = field(default_factory=list)
    success: int | None = None
    _known: dict[bytes, NDArray[np.float64]] = field(default_factory=dict)
    _recalled: int = 0

    def __call__(self, rows: Columns, good: Sequence[bool] = ()) -> NDArray[np.float64]:
        """Raises `Enough` when all that may be asked was asked.

        `good` says of disguised rows whether what they stand for is an adversarial example.
        """
        keys = [_key(rows, row) for row in range(len(rows))]
        first = {key: row for row, key in reversed(list(enumerate(keys))) if key not in self._known}
        new = sorted(first.values())
        self._recalled += len(rows) - len(new)
        if new:
            told = [good[row] for row in new] if good else None
            self._ask(rows.take(np.array(new)), [keys[row] for row in new], told)
        if len(self.asked) >= self.limit or self._recalled > WASTED * self.limit:
            raise Enough
        return np.stack([self._known[key] for key in keys])

    @property
    def queries(self) -> Columns:
        return Columns.concatenate(self.asked)

    def _ask(self, rows: Columns, keys: list[bytes], good: list[bool] | None) -> None:
        rows = rows.take(slice(0, self.limit - len(self.asked)))
        answers = self.ask(rows)
        for row, (key, answer) in enumerate(zip(keys, answers, strict=False)):
            one = rows.take(slice(row, row + 1))
            self.asked.append(one)
            self._known[key] = answer
            if self.success is None:
                is_good = good[row] if good else self.is_success(one, int(answer.argmax()))
                self.success = len(self.asked) if is_good else None


def _key(rows: Columns, row: int) -> bytes:
    return b"\x00".join(
        column.values[row].tobytes() if column.is_tensor else str(column.values[row]).encode()
        for column in rows
    )
