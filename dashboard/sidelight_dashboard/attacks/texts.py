"""Which words of a text changed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from sidelight_dashboard.words.wording import cut

MOST_WORDS = 2000
"""Words that are compared: the time it takes grows with their square."""

AROUND = 4
"""Words that are told on each side of a change."""

Sort = Literal["same", "gone", "new"]


@dataclass(frozen=True, slots=True)
class Piece:
    """Words in a row that stayed, went, or came."""

    sort: Sort
    text: str


def pieces(before: str, after: str) -> tuple[Piece, ...]:
    """The change as a person marks it in a text; of long stretches that stayed only the ends."""
    words, others = _words(before), _words(after)
    matcher = SequenceMatcher(None, words, others, autojunk=False)
    return tuple(_pieces(matcher, words, others))


def _words(text: str) -> list[str]:
    return re.findall(r"\S+", text)[:MOST_WORDS]


def _pieces(
    matcher: SequenceMatcher[str], words: Sequence[str], others: Sequence[str]
) -> Iterator[Piece]:
    for tag, begin, end, first, last in matcher.get_opcodes():
        if tag == "equal":
            yield Piece("same", _ends(words[begin:end], begin == 0, end == len(words)))
            continue
        if begin < end:
            yield Piece("gone", cut(" ".join(words[begin:end])))
        if first < last:
            yield Piece("new", cut(" ".join(others[first:last])))


def _ends(words: Sequence[str], is_first: bool, is_last: bool) -> str:
    """Words next to changes: none before the first one or after the last one are needed."""
    if len(words) <= 2 * AROUND:
        return " ".join(words)
    head = [] if is_first else words[:AROUND]
    tail = [] if is_last else words[-AROUND:]
    return " ".join((*head, "…", *tail))
