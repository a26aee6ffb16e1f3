"""What kind of character each is: a script's letter, a digit, a sign ..."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from functools import lru_cache

SCRIPTS = ("latin", "greek", "cyrillic", "hebrew", "arabic", "indic", "cjk", "other")
"""Families of scripts; ``other`` has every letter outside them."""
KINDS = (*SCRIPTS, "digits", "punctuation", "space", "nonprintable")
"""What a character can be; symbols are punctuation."""

# First code point of each stretch of Unicode blocks, and whose letters stand there.
_STRETCHES = (
    (0x0000, "latin"),
    (0x0370, "greek"),
    (0x0400, "cyrillic"),
    (0x0530, "other"),
    (0x0590, "hebrew"),
    (0x0600, "arabic"),
    (0x0700, "other"),
    (0x0750, "arabic"),
    (0x0780, "other"),
    (0x08A0, "arabic"),
    (0x0900, "indic"),
    (0x0E00, "other"),
    (0x1100, "cjk"),
    (0x1200, "other"),
    (0x1C80, "cyrillic"),
    (0x1C90, "other"),
    (0x1D00, "latin"),
    (0x1F00, "greek"),
    (0x2000, "other"),
    (0x2C60, "latin"),
    (0x2C80, "other"),
    (0x2DE0, "cyrillic"),
    (0x2E00, "other"),
    (0x2E80, "cjk"),
    (0xA4D0, "other"),
    (0xA640, "cyrillic"),
    (0xA6A0, "other"),
    (0xA720, "latin"),
    (0xA800, "other"),
    (0xA8E0, "indic"),
    (0xA900, "other"),
    (0xAB30, "latin"),
    (0xAB70, "other"),
    (0xAC00, "cjk"),
    (0xD800, "other"),
    (0xF900, "cjk"),
    (0xFB00, "latin"),
    (0xFB13, "other"),
    (0xFB1D, "hebrew"),
    (0xFB50, "arabic"),
    (0xFE00, "other"),
    (0xFE70, "arabic"),
    (0xFF00, "latin"),
    (0xFF65, "cjk"),
    (0x10000, "other"),
    (0x1AFF0, "cjk"),
    (0x1B170, "other"),
    (0x20000, "cjk"),
    (0x32000, "other"),
)
_STARTS = [start for start, _ in _STRETCHES]


@lru_cache(1 << 16)
def kind_of(code: int) -> int:
    """The place in `KINDS` of the character with this code point."""
    return KINDS.index(_kind_of(code))


def _kind_of(code: int) -> str:
    category = unicodedata.category(chr(code))
    if category[0] in "LM":
        return _STRETCHES[bisect_right(_STARTS, code) - 1][1]
    if category[0] == "N":
        return "digits"
    if category[0] in "PS":
        return "punctuation"
    return "space" if category[0] == "Z" or chr(code) in "\t\n\r" else "nonprintable"
