"""Randomness as a function of a seed and a number, so that no state of it has to be kept.

alibi-detect draws from the generators of the process. What a detector draws for its n-th batch is
made to depend on its seed and n alone; a restart in between changes nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def seeded(seed: int, number: int) -> Iterator[None]:
    """For one thread of the process at a time: whoever else draws meanwhile disturbs it."""
    before = np.random.get_state()
    np.random.seed([seed, number % 2**32, number >> 32])
    for backend, call in (("torch", "manual_seed"), ("tensorflow", "random.set_seed")):
        if backend in sys.modules:
            _seed(backend, call, int(np.random.randint(2**31)))
    try:
        yield
    finally:
        np.random.set_state(before)


def _seed(backend: str, call: str, seed: int) -> None:
    target = sys.modules[backend]
    *path, name = call.split(".")
    for part in path:
        target = getattr(target, part)
    getattr(target, name)(seed)
