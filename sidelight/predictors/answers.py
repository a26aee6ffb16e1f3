"""Answers by the row that they answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sidelight.errors import DataMismatch, PredictorError
from sidelight.predictors.identity import Key, first_places
from sidelight.tensors import Columns


class Answers:
    """What a predictor said, to be found by row; not for several threads at once.

    Answers come in blocks and are numbered through, so that finding thousands takes one look-up
    each and no more Python.
    """

    def __init__(self) -> None:
        self._numbers: dict[Key, int] = {}
        self._blocks: dict[int, Columns] = {}
        self._next = 0

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, keys: Sequence[Key], answers: Columns) -> int:
        """One answer a key; a later one takes the place of an earlier. Returns the block's name."""
        block = self._next
        self._next += len(keys)
        self._numbers.update(zip(keys, range(block, self._next), strict=True))
        if keys:
            self._blocks[block] = answers
        return block

    def drop(self, keys: Sequence[Key], block: int) -> None:
        """Forget a block, as far as its answers still are what is known for its keys."""
        for number, key in enumerate(keys, block):
            if self._numbers.get(key) == number:
                del self._numbers[key]
        self._blocks.pop(block, None)

    def among(self, keys: Sequence[Key]) -> list[Key]:
        """Those of the keys for which there is an answer."""
        known = self._numbers
        return [key for key in keys if key in known]

    def missing(self, keys: Sequence[Key]) -> list[int]:
        """Where those stand first for which there is none."""
        known = self._numbers
        return [at for at in first_places(keys) if keys[at] not in known]

    def of(self, keys: Sequence[Key]) -> Columns:
        """A copy of the answers for these keys, in their order; all must be known.

        Raises `PredictorError` where answers have come in forms that do not go together.
        """
        numbers = np.array([self._numbers[key] for key in keys], np.int64)
        begins = np.fromiter(self._blocks, np.int64, len(self._blocks))
        owners = np.searchsorted(begins, numbers, side="right") - 1
        used = np.unique(owners)
        chosen = [numbers[owners == one] - begins[one] for one in used]
        blocks = [self._blocks[int(begins[one])] for one in used]
        parts = [block.take(rows) for block, rows in zip(blocks, chosen, strict=True)]
        if len(parts) == 1:
            return parts[0]
        return _joined(parts).take(np.argsort(np.argsort(owners, kind="stable")))


def _joined(parts: Sequence[Columns]) -> Columns:
    try:
        return Columns.concatenate(parts)
    except DataMismatch as exc:
        raise PredictorError(f"the predictor's answers have changed their form: {exc}") from exc
