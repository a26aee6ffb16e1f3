"""A text whose words are marked by what they moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sidelight_dashboard.explaining.shown import Run

FAINTEST = 0.05
"""Words that moved less than this share of the strongest stay plain."""

_Piece = tuple[int, int, float]


def runs_of(
    text: str, spans: Sequence[Sequence[Sequence[int]]], amounts: Sequence[float]
) -> tuple[Run, ...]:
    """The whole text in order; `spans` are each player's pieces as (start, end) in characters."""
    largest = max(map(abs, amounts), default=0.0)
    pieces = sorted(
        (start, end, amount)
        for places, amount in zip(spans, amounts, strict=False)
        for start, end in places
        if largest and abs(amount) >= FAINTEST * largest
    )
    return tuple(_runs(text, pieces, largest))


def _runs(text: str, pieces: Sequence[_Piece], largest: float) -> Iterator[Run]:
    at = 0
    for start, end, amount in pieces:
        if start > at:
            yield Run(text[at:start])
        if end > max(start, at):
            yield Run(text[max(start, at) : end], amount / largest, f"{amount:+.3g}")
        at = max(at, end)
    if at < len(text):
        yield Run(text[at:])
