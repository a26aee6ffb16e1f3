"""Numbers, probabilities and scores as people say them."""

from __future__ import annotations

import math
import sys

FEWEST = 1_000_000
LARGEST = sys.float_info.max
"""What stands for a score beyond all numbers."""

_PLAIN = 1e9
_THOUSAND = 1000
_TINY = 1e-15
_MOST_DECIMALS = 6
_FOUR_DECIMALS = 5e-5
"""What would be 0 with so many."""


def number_words(value: float, digits: int = 6) -> str:
    """So many digits; whole numbers as they are."""
    if float(value).is_integer() and abs(value) < _PLAIN:
        return f"{value:.0f}"
    return f"{value:.{digits}g}"


def answer_words(value: float) -> str:
    """What a model computed: four decimals tell a chance, six digits anything larger."""
    if abs(value) < 1 and abs(value) >= _FOUR_DECIMALS:
        return f"{value:.4f}".rstrip("0")
    return number_words(value, 2 if abs(value) < 1 else 6)


def moved_words(amount: float, largest: float) -> str:
    """One of several that are read beside each other: with the decimals that the largest needs."""
    digits = 2 - math.floor(math.log10(abs(largest))) if largest else 0
    if not 0 <= digits <= _MOST_DECIMALS:
        return f"{amount:+.3g}"
    return f"{amount:+.{digits}f}"


def counted(count: int, one: str) -> str:
    """``1 row``, ``2,048 rows``."""
    return f"{count:,} {one if count == 1 else one + 's'}"


def short(value: float) -> str:
    """Three digits; thousands as they are."""
    return f"{value:.3g}" if abs(value) < _THOUSAND else f"{value:,.0f}"


def number(value: float | None) -> str:
    """Three digits; a dash where it is not known."""
    return "–" if value is None else short(value)


def large(value: float | None) -> str:
    """Of evidence, which may be beyond all bounds."""
    if value is None:
        return "–"
    if value >= LARGEST:
        return "beyond all numbers"
    return f"{value:,.0f}" if 100 <= value < 1e6 else f"{value:.3g}"


def p_value_words(value: float | None) -> str:
    """A p-value: two digits; what is far below any threshold is told as that."""
    if value is None:
        return "–"
    if value < _TINY:
        return "below 1e-15"
    return f"{value:.2g}"


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
