"""Randomness as a function of a seed and a number, so that no state of it has to be kept.

alibi-detect draws from the generators of the process. What a detector draws for its n-th batch is
made to depend on its seed and n alone; a restart in between changes nothing.
"""

from __future__ import annotations

import sys

import numpy as np


def reseed(seed: int, number: int) -> None:
    """Sets the generators of the process, and leaves them so: to put back what they were takes
    longer than most that is drawn. Sidelight itself draws from generators of its own."""
    np.random.seed([seed, number % 2**32, number >> 32])
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(int(np.random.randint(2**31)))
    if "tensorflow" in sys.modules:
        sys.modules["tensorflow"].random.set_seed(int(np.random.randint(2**31)))
