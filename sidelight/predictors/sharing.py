"""One predictor for many explanations at one time: calls are merged, answers kept for a while."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sidelight.predictors.caching import RowCache, model_of
from sidelight.predictors.coalescing import Coalescing
from sidelight.predictors.identity import Key
from sidelight.predictors.pending import Pending
from sidelight.predictors.spending import Spent
from sidelight.tensors import Columns

Patience = Callable[[Pending], Columns]
"""Waits for an answer as long as it is worth waiting, and leaves the question otherwise."""


@dataclass(frozen=True, eq=False)
class Told:
    """What is known of some rows: blocks of answers with their keys; `cached` rows cost nothing,
    `calls` carried the others."""

    blocks: tuple[tuple[Sequence[Key], Columns], ...]
    cached: int
    calls: int


class SharedPredictor:
    """A `Predictor` that also answers from its memory, where the asker gives the rows' keys."""

    def __init__(self, coalescing: Coalescing, cache: RowCache) -> None:
        self._coalescing = coalescing
        self._cache = cache

    def __call__(self, rows: Columns) -> Columns:
        return self._coalescing(rows)

    @property
    def sent(self) -> Spent:
        """What went to the predictor, each call once however many explanations it served."""
        return self._coalescing.sent

    def ready(self) -> bool:
        return self._coalescing.ready()

    def close(self) -> None:
        self._coalescing.close()

    def tell(self, rows: Columns, keys: Sequence[Key], patience: Patience) -> Told:
        """The answers for rows of these keys, all different; the unknown ones are asked.

        Answers of one model only: when the model turns out to have changed, what was known of the
        old one is asked again.
        """
        known, memory = self._cache.known(keys)
        remembered = set(known)
        new = [at for at, key in enumerate(keys) if key not in remembered]
        if not new:
            return Told(((known, memory),), len(known), 0)
        asked, calls = self._ask(rows, keys, new, patience)
        if not known or model_of(asked[1]) == model_of(memory):
            return Told((asked, (known, memory)) if known else (asked,), len(known), calls)
        old = [at for at, key in enumerate(keys) if key in remembered]
        again, more = self._ask(rows, keys, old, patience)
        return Told((asked, again), 0, calls + more)

    def _ask(
        self, rows: Columns, keys: Sequence[Key], places: list[int], patience: Patience
    ) -> tuple[tuple[Sequence[Key], Columns], int]:
        these = [keys[at] for at in places]
        pending = self._coalescing.begin(rows.take(places), these)
        answers = patience(pending)
        self._cache.keep(these, answers)
        return (these, answers), pending.calls
