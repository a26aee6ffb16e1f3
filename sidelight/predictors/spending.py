"""What was asked of predictors: counted where it is sent, read where it was caused.

Example
-------
>>> with spending() as spent:
...     answer = predictor(rows)
>>> spent.calls, spent.rows
(1, 250)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock


@dataclass
class Spent:
    """Calls sent and rows in them, retries included."""

    calls: int = 0
    rows: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    def add(self, rows: int, calls: int = 1) -> None:
        with self._lock:
            self.calls += calls
            self.rows += rows


_counting: ContextVar[Spent | None] = ContextVar("spending", default=None)


@contextmanager
def spending() -> Iterator[Spent]:
    """Count what this thread or task asks of any predictor; a count around it counts it too."""
    outer = _counting.get()
    spent = Spent()
    token = _counting.set(spent)
    try:
        yield spent
    finally:
        _counting.reset(token)
        if outer is not None:
            outer.add(spent.rows, spent.calls)


def current() -> Spent:
    """The count in force: a predictor takes it when it is called, and adds each call it sends."""
    return _counting.get() or Spent()
