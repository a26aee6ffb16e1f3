"""Coverage-guided fuzzing in a few lines: an input that runs a line no other ran is built upon."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType, ModuleType
from typing import Any

from tests.logger.nasty.mutating import mutated

Place = tuple[str, int]


def explore(
    check: Callable[[bytes], None],
    corpus: Sequence[bytes],
    modules: Sequence[ModuleType],
    seed: int,
    seconds: float,
) -> tuple[int, int]:
    """Run `check` on mutations for so long: how many, and how many lines they reached."""
    chance = random.Random(seed)
    files = frozenset(module.__file__ or "" for module in modules)
    pool, seen, runs = list(corpus), set[Place](), 0
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        sample = mutated(chance.choice(pool), corpus, chance)
        runs += 1
        with _lines_of(files) as reached:
            check(sample)
        if not reached <= seen:
            seen |= reached
            pool.append(sample)
    return runs, len(seen)


@contextmanager
def _lines_of(files: frozenset[str]) -> Iterator[set[Place]]:
    reached: set[Place] = set()

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename not in files:
            return None
        reached.add((frame.f_code.co_filename, frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield reached
    finally:
        sys.settrace(before)
