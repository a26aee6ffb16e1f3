"""How much of the false-alarm promise each window may use."""

from __future__ import annotations

import math


def spend(alpha: float, window: int) -> float:
    """The part of `alpha` that the window with this number may use: ``6 alpha / (pi^2 k^2)``.

    The parts of all windows, for ever, add up to `alpha`; by the union bound the chance of any
    false alarm at all is at most `alpha`, whatever the dependence between windows (they share one
    finite reference).

    Parameters
    ----------
    alpha:
        In (0, 1).
    window:
        Counts from 1.

    Raises
    ------
    ValueError
        When `window` is below 1.
    """
    if window < 1:
        raise ValueError(f"window {window}: windows count from 1")
    return 6.0 * alpha / (math.pi * window) ** 2
