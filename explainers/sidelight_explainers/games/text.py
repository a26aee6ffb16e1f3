"""The game of a text: its words or sentences, against what stands where they are absent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Column, Columns
from sidelight_explainers.contents.attributions import Attribution
from sidelight_explainers.contents.layout import TextLayout
from sidelight_explainers.games.coalitions import packed
from sidelight_explainers.games.game import Masks
from sidelight_explainers.games.shares import shared
from sidelight_explainers.texts.units import Span

Strings = NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class TextGame:
    """Units of one text (words, sentences, runs of words).

    `text` is made of `before` and, of each unit, its `present` piece (u,), which is the unit and
    what is between it and the next, or one of its `absent` ones (size, u). `spans` say where the
    units are. `sentences` (u,) numbers the sentence of each, `playing` (p,) lists the units that
    could make a difference: the players. `raw` is whether the model takes bytes.
    """

    feature: str
    text: str
    spans: tuple[Span, ...]
    before: str
    present: Strings
    absent: Strings
    sentences: NDArray[np.intp]
    playing: NDArray[np.intp]
    raw: bool = False

    @classmethod
    def of(
        cls,
        feature: str,
        text: str,
        words: Sequence[Span],
        unit: Sequence[int],
        sentence: Sequence[int],
        replaced: Sequence[Sequence[str]],
        raw: bool = False,
    ) -> TextGame:
        """From the words: the number of the unit (0, 1, ...) and of the sentence of each, and for
        each background its replacement, the empty text where it is removed."""
        starts = [at for at, one in enumerate(unit) if at == 0 or one != unit[at - 1]]
        runs = list(pairwise([*starts, len(words)]))
        present = _pieces([text[a:b] for a, b in words], _gaps(text, words), runs)
        absent = np.stack([_pieces(sample, _gaps(text, words), runs) for sample in replaced])
        return cls(
            feature=feature,
            text=text,
            spans=tuple((words[first][0], words[end - 1][1]) for first, end in runs),
            before=text[: words[0][0]] if words else text,
            present=present,
            absent=absent,
            sentences=np.array([sentence[at] for at in starts], np.intp),
            playing=np.flatnonzero((absent != present).any(axis=0)),
            raw=raw,
        )

    @property
    def players(self) -> int:
        return len(self.playing)

    @property
    def size(self) -> int:
        return len(self.absent)

    @property
    def groups(self) -> NDArray[np.intp]:
        """The sentence of each player, 0, 1, ... (p,)."""
        told = np.unique(self.sentences[self.playing], return_inverse=True)[1]
        return told.reshape(-1).astype(np.intp)

    def rows(self, masks: Masks, background: NDArray[np.intp]) -> Columns:
        there = np.ones((len(masks), len(self.present)), bool)
        there[:, self.playing] = masks
        pieces = np.where(there, self.present, self.absent[background])
        whole = np.asarray(there.all(axis=1))
        told = [
            self.text if full else f"{self.before}{''.join(row)}".strip()
            for full, row in zip(whole, pieces, strict=True)
        ]
        return self._column(told)

    def keys(self, masks: Masks, background: NDArray[np.intp]) -> NDArray[Any]:
        return packed(masks, background)

    def explained(self) -> Columns:
        return self._column([self.text])

    def attributions(
        self,
        contributions: NDArray[np.float64],
        low: NDArray[np.float64] | None,
        high: NDArray[np.float64] | None,
    ) -> tuple[Attribution, ...]:
        names = [f"{self.feature}[{at}]" for at in range(len(self.spans))]
        values = [self.text[start:end] for start, end in self.spans]
        return shared(names, values, self.playing, contributions, low, high)

    def layout(self) -> TextLayout:
        return TextLayout(self.feature, self.text, tuple((span,) for span in self.spans))

    def _column(self, texts: list[str]) -> Columns:
        told = [one.encode() for one in texts] if self.raw else texts
        return Columns((Column(self.feature, np.array(told, object)),))


def _gaps(text: str, words: Sequence[Span]) -> list[str]:
    """What stands behind each word, up to the next or the end."""
    following = [*(start for start, _ in words), len(text)][1:]
    return [text[end:start] for (_, end), start in zip(words, following, strict=False)]


def _pieces(words: Sequence[str], gaps: Sequence[str], runs: Sequence[Span]) -> Strings:
    """Each run of words as text, with the gaps behind them; an empty word's without space."""
    told = [word + gap if word else gap.lstrip() for word, gap in zip(words, gaps, strict=True)]
    return np.array(["".join(told[first:end]) for first, end in runs], object)
