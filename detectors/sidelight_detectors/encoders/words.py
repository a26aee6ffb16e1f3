"""Words of a text, and one number for each, the same on every machine."""

from __future__ import annotations

import re
from zlib import crc32

_WORD = re.compile(r"\w+")


def words_of(text: str) -> list[str]:
    """Runs of letters, digits and underscores, without case."""
    return _WORD.findall(text.casefold())


def hash_of(word: str) -> int:
    """32 bits."""
    # What JSON calls a lone surrogate has no UTF-8 and is a word all the same.
    return crc32(word.encode("utf-8", "surrogatepass"))
