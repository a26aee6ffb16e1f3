"""Values and numbers in words a person reads."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from math import floor, log10
from typing import Any

_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202d\u202e\ud800-\udfff\ufffe\uffff]")

LONGEST = 60
"""Characters of a value or name before it is cut."""

_PLAIN = 1e9
_SMALLEST = 1e-6
"""Between these numbers are written without exponent."""


def number(value: float) -> str:
    """Four digits; whole numbers as they are."""
    if float(value).is_integer() and abs(value) < _PLAIN:
        return f"{value:.0f}"
    return f"{value:.4g}"


def amount(value: float, largest: float) -> str:
    """With its sign, and as many decimals as give three digits of the largest beside it."""
    shown = _fixed(value, largest)
    if not float(shown):
        return shown.removeprefix("-")
    return f"+{shown}" if value > 0 else shown


def level(value: float, largest: float) -> str:
    """A value that such amounts lead from or to, with as many decimals."""
    if largest <= 0:
        return number(value)
    shown = _fixed(value, largest)
    return shown if float(shown) or not value else f"{value:.1g}"


def error(half: float, largest: float) -> str:
    """Half the width of an interval beside such an amount."""
    return f"± {_fixed(half, largest)}"


def mark(value: float, span: float) -> str:
    """On a scale of that length, two digits."""
    return _fixed(value, span, 2)


def _fixed(value: float, largest: float, digits: int = 3) -> str:
    if largest <= 0:
        return number(value)
    if not _SMALLEST <= largest < _PLAIN:
        return f"{value:.{digits}g}"
    return f"{value:.{max(digits - 1 - floor(log10(largest)), 0)}f}"


def percent(share: float) -> str:
    """Without rounding up to all: 99.97 % stays below 100 %."""
    shown = f"{100 * share:.1f}"
    if shown == "100.0" and share < 1:
        return "over 99.9 %"
    return f"{shown.removesuffix('.0')} %"


def value_words(value: Any) -> str:
    """A JSON value in a line; what is longer than `LONGEST` is cut."""
    return cut(_words(value))


def _words(value: Any) -> str:
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_words(one)}" for key, one in list(value.items())[:20])
    if isinstance(value, Sequence):
        return ", ".join(_words(one) for one in value[:20])
    return str(value)


def cut(text: str, longest: int = LONGEST) -> str:
    """The beginning of a longer text."""
    line = " ".join(clean(text).split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def clean(text: str) -> str:
    """Without what no document may hold: control characters, halves of characters, and marks that
    turn all that follows around."""
    return _UNFIT.sub("\ufffd", text)


def apart(text: str) -> str:
    """In a sentence of another direction the text keeps its own."""
    if any(unicodedata.bidirectional(one) in ("R", "AL") for one in text):
        return f"\u2068{text}\u2069"
    return text


def listed(parts: Sequence[str]) -> str:
    """``a, b and c``."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def counted(count: int, one: str, many: str | None = None) -> str:
    """``1 row``, ``2,048 rows``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
