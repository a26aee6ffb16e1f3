"""Answers that are kept for a short time, because explanations ask the same rows again.

Whole calls are forgotten, oldest first, when they are too old or the cache is too large; all of
them, when the model's version changes.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from threading import Lock

from sidelight.predictors.answers import Answers
from sidelight.predictors.identity import Key
from sidelight.predictors.sizes import bytes_of
from sidelight.tensors import Columns

ROW_BYTES = 250
"""What one row costs beside its key and its answer: measured, of a dict's entry and two objects."""


@dataclass(frozen=True, eq=False)
class _Block:
    keys: Sequence[Key]
    name: int
    born: float
    size: int


class RowCache:
    """Answers by row, for all threads.

    Parameters
    ----------
    most_bytes:
        Memory for keys and answers; 0 keeps nothing.
    seconds:
        How long an answer counts.
    clock:
        Seconds that only grow.
    """

    def __init__(
        self,
        most_bytes: int = 0,
        seconds: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._clock = clock
        self._lock = Lock()
        self._blocks: deque[_Block] = deque()
        self._answers = Answers()
        self._bytes = 0
        self._model: Hashable = None

    @property
    def bytes(self) -> int:
        return self._bytes

    def known(self, keys: Sequence[Key]) -> tuple[list[Key], Columns]:
        """Those of the keys whose answers are known, and the answers."""
        with self._lock:
            self._forget_the_old()
            found = self._answers.among(keys)
            return found, self._answers.of(found) if found else Columns(())

    def keep(self, keys: Sequence[Key], answers: Columns) -> None:
        """Remember; what another model than this one has said is forgotten."""
        model, size = model_of(answers), _size(keys, answers)
        with self._lock:
            if self._model != model:
                self._forget(len(self._blocks))
            self._model = model
            if size <= self._most_bytes:
                name = self._answers.add(keys, answers)
                self._blocks.append(_Block(keys, name, self._clock(), size))
                self._bytes += size
            self._forget_the_old()

    def _forget_the_old(self) -> None:
        oldest = self._clock() - self._seconds
        while self._blocks and (self._blocks[0].born <= oldest or self._bytes > self._most_bytes):
            self._forget(1)

    def _forget(self, blocks: int) -> None:
        for _ in range(blocks):
            block = self._blocks.popleft()
            self._answers.drop(block.keys, block.name)
            self._bytes -= block.size


def model_of(answers: Columns) -> Hashable:
    """What tells one model from the next: the version it says, and what it answers with."""
    forms = tuple((one.name, one.kind, one.values.shape[1:]) for one in answers)
    return (version_of(answers), forms)


def version_of(answers: Columns) -> str:
    """The model's version as the answer tells it; empty where it does not."""
    return str(answers.parameters.get("model_version") or "")


def _size(keys: Sequence[Key], answers: Columns) -> int:
    per_row = ROW_BYTES + (len(keys[0]) if keys else 0)
    return len(keys) * per_row + bytes_of(answers)
