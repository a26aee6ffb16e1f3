"""Probabilities and scores as people say them."""

from __future__ import annotations

import sys

FEWEST = 1_000_000
LARGEST = sys.float_info.max
"""What stands for a score beyond all numbers."""


def chance_words(chance: float) -> str:
    """``34 %``, ``1 in 340``, ``less than 1 in a million``."""
    if chance >= 0.1:
        return f"{chance:.0%}".replace("%", " %")
    if chance * FEWEST < 1:
        return "less than 1 in a million"
    return f"1 in {round(1 / chance, -1 if chance < 0.01 else 0):,.0f}"


def amount_words(amount: float | None) -> str:
    """A score to three digits; ``∞`` for one beyond all numbers."""
    return "∞" if amount is None or amount >= LARGEST else f"{amount:.3g}"
