"""Answers by the row that they answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sidelight.errors import DataMismatch, PredictorError
from sidelight.predictors.identity import Key
from sidelight.tensors import Columns


class Answers:
    """What a predictor said, to be found by row; not for several threads at once."""

    def __init__(self) -> None:
        self._places: dict[Key, tuple[Columns, int]] = {}

    def __contains__(self, key: Key) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def add(self, keys: Sequence[Key], answers: Columns) -> None:
        """One answer a key; a later one takes the place of an earlier."""
        self._places.update((key, (answers, at)) for at, key in enumerate(keys))

    def drop(self, keys: Sequence[Key], answers: Columns) -> None:
        """Forget those answers, as far as they still are what is known for the keys."""
        for key in keys:
            if key in self._places and self._places[key][0] is answers:
                del self._places[key]

    def among(self, keys: Sequence[Key]) -> list[Key]:
        """Those of the keys for which there is an answer."""
        return [key for key in keys if key in self._places]

    def of(self, keys: Sequence[Key]) -> Columns:
        """A copy of the answers for these keys, in their order; all must be known.

        Raises `PredictorError` where answers have come in forms that do not go together.
        """
        places = [self._places[key] for key in keys]
        blocks = {id(block): block for block, _ in places}
        rows: dict[int, list[int]] = {one: [] for one in blocks}
        order: dict[int, list[int]] = {one: [] for one in blocks}
        for position, (block, at) in enumerate(places):
            rows[id(block)].append(at)
            order[id(block)].append(position)
        parts = [block.take(rows[one]) for one, block in blocks.items()]
        joined = parts[0] if len(parts) == 1 else _joined(parts)
        return joined.take(np.argsort(np.concatenate([order[one] for one in blocks])))


def _joined(parts: Sequence[Columns]) -> Columns:
    try:
        return Columns.concatenate(parts)
    except DataMismatch as exc:
        raise PredictorError(f"the predictor's answers have changed their form: {exc}") from exc
