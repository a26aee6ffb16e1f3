"""Where the words and sentences of a text are."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

Span = tuple[int, int]
"""From this character up to, not including, that one."""
Split = Callable[[str], list[Span]]
"""The words of a text, in order, none empty, none overlapping."""

_MARKS = (
    r"!-/:-@\[-^`{-~\u00a1-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u060c\u061b\u061f\u06d4"
    r"\u0964\u0965\u2010-\u2027\u2030-\u205e\u2190-\u2bff\u3001-\u3004\u3008-\u3030\uff01-\uff0f"
    r"\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\U0001f000-\U0001faff\ufe0f\u200d"
)
"""Punctuation, symbols and pictographs, for a character class."""
_ALONE = (
    r"\u0e00-\u0e30\u0e32\u0e33\u0e40-\u0e46\u0e80-\u0eb0\u0eb2\u0eb3\u0ec0-\u0ec6"
    r"\u3005-\u3007\u3031-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
    r"\U00020000-\U0003ffff"
)
"""Letters of scripts without spaces: each stands for a word, with the signs above and below it."""
_ABOVE = r"\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd\u3099\u309a"
_LETTER = rf"[^\s{_MARKS}{_ALONE}]"
_WORD = rf"{_LETTER}+(?:(?:['’\-.]|(?<=\d),(?=\d)){_LETTER}+)*|[{_ALONE}][{_ABOVE}]*"
_OPENING = r"(\[{«“‘\u3008\u300a\u300c\u300e\u3010\uff08"
_WORDS = re.compile(rf"[{_MARKS}]*(?:{_WORD})(?:(?![{_OPENING}])[{_MARKS}])*|[{_MARKS}]+|\S")

_SENTENCE_END = re.compile(
    r"""(?<!\bMr)(?<!\bMs)(?<!\bDr)(?<!\bMrs)(?<!\bProf)(?<!\bSt)(?<!\be\.g)(?<!\bi\.e)
        (?: (?<![.!?…])[.!?…]+ ["'”’)\]]* (?=\s)
          | [。！？]+ [」』”’）]* | [।؟۔]+ (?=\s) | \n[ \t]*(?=\n) )""",
    re.VERBOSE,
)


def words(text: str) -> list[Span]:
    """Words, each with the punctuation that touches it.

    Letters and digits of any script, joined by apostrophes, hyphens and points within; single
    characters where a script has no spaces. Punctuation that stands alone is a word.
    """
    return [found.span() for found in _WORDS.finditer(text)]


def matches(pattern: str) -> Split:
    """Words are what the regular expression matches."""
    compiled = re.compile(pattern)
    return lambda text: [one.span() for one in compiled.finditer(text) if one.end() > one.start()]


def sentence_of(text: str, spans: Sequence[Span]) -> list[int]:
    """The number of the sentence that each word is in; 0, 1, 2, ... in order.

    A sentence ends at its last punctuation mark, or at an empty line; abbreviations beyond a few
    of English are not known.
    """
    ends = [found.end() for found in _SENTENCE_END.finditer(text)]
    numbers, passed = [], 0
    for start, _ in spans:
        while passed < len(ends) and ends[passed] <= start:
            passed += 1
        numbers.append(passed)
    steps = [int(second != first) for first, second in pairwise(numbers)]
    return _cumulated(steps) if spans else []


def _cumulated(steps: Sequence[int]) -> list[int]:
    numbers = [0]
    for step in steps:
        numbers.append(numbers[-1] + step)
    return numbers
