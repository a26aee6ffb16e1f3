"""A text whose words are shaded by what they moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sidelight_explainers.contents.layout import TextLayout
from sidelight_explainers.pictures.page import Run, Words
from sidelight_explainers.pictures.wording import clean

FAINTEST = 0.05
"""Words that moved less than this share of the strongest stay plain."""

MOST_SHADED = 140
"""Shaded pieces; of a longer text the strongest."""

LONGEST_TEXT = 6000
"""Characters that are shown."""


def shaded(layout: TextLayout, amounts: Sequence[float]) -> Words:
    """Each piece of a player in the shade of its amount."""
    pieces = _strongest(layout, amounts)
    return Words(tuple(_runs(layout.text, sorted(pieces))))


_Piece = tuple[int, int, float]


def _strongest(layout: TextLayout, amounts: Sequence[float]) -> list[_Piece]:
    largest = max(map(abs, amounts), default=0.0)
    if largest == 0:
        return []
    pieces = [
        (start, min(end, LONGEST_TEXT), one / largest)
        for spans, one in zip(layout.spans, amounts, strict=True)
        for start, end in spans
        if abs(one) >= FAINTEST * largest and start < LONGEST_TEXT
    ]
    return sorted(pieces, key=lambda piece: -abs(piece[2]))[:MOST_SHADED]


def _runs(text: str, pieces: Sequence[_Piece]) -> Iterator[Run]:
    at = 0
    for start, end, weight in pieces:
        if start > at:
            yield Run(clean(text[at:start]))
        if end > max(start, at):
            yield Run(clean(text[max(start, at) : end]), weight)
        at = max(at, end)
    rest = text[at:LONGEST_TEXT]
    if rest or len(text) > LONGEST_TEXT:
        yield Run(clean(rest) + ("…" if len(text) > LONGEST_TEXT else ""))
