"""The game of a picture: its parts, against what covers them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Column, Columns
from sidelight_explainers.contents.attributions import Attribution
from sidelight_explainers.contents.layout import ImageLayout
from sidelight_explainers.games.coalitions import packed
from sidelight_explainers.games.game import Masks
from sidelight_explainers.games.shares import shared
from sidelight_explainers.images.files import closed


@dataclass(frozen=True, eq=False)
class ImageGame:
    """Parts of one picture.

    `sent` is the explained row as it came, `column` (1, ...) its numbers, `baselines` (b, n) what
    covers it, flat in the order of the n numbers, and `owners` (n,) the part of each number.
    `seen` is the picture for eyes, `segments` (h, w) each pixel's part. `playing` (p,) lists the
    parts that could make a difference: the players.
    """

    sent: Column
    column: Column
    baselines: NDArray[Any]
    owners: NDArray[np.int32]
    seen: NDArray[np.uint8]
    segments: NDArray[np.int32]
    playing: NDArray[np.intp]

    @classmethod
    def of(
        cls,
        sent: Column,
        column: Column,
        baselines: NDArray[Any],
        owners: NDArray[np.int32],
        seen: NDArray[np.uint8],
        segments: NDArray[np.int32],
    ) -> ImageGame:
        differs = (baselines != column.values.reshape(1, -1)).any(axis=0)
        playing = np.unique(owners[differs]).astype(np.intp)
        return cls(sent, column, baselines, owners, seen, segments, playing)

    @property
    def players(self) -> int:
        return len(self.playing)

    @property
    def size(self) -> int:
        return len(self.baselines)

    @property
    def parts(self) -> int:
        """Of the picture, playing or not."""
        return int(self.segments.max()) + 1

    def rows(self, masks: Masks, background: NDArray[np.intp]) -> Columns:
        there = np.ones((len(masks), self.parts), bool)
        there[:, self.playing] = masks
        told = self.baselines[background]
        # one after the other, so that what each needs stays near the processor
        for one, present in zip(told, there, strict=True):
            np.copyto(one, self.column.values.reshape(-1), where=present[self.owners])
        return Columns((closed(told.reshape(-1, *self.column.values.shape[1:]), self.sent),))

    def keys(self, masks: Masks, background: NDArray[np.intp]) -> NDArray[Any]:
        return packed(masks, background)

    def explained(self) -> Columns:
        return Columns((self.sent,))

    def attributions(
        self,
        contributions: NDArray[np.float64],
        low: NDArray[np.float64] | None,
        high: NDArray[np.float64] | None,
    ) -> tuple[Attribution, ...]:
        names = [f"{self.column.name}[{at}]" for at in range(self.parts)]
        return shared(names, self._colours(), self.playing, contributions, low, high)

    def layout(self) -> ImageLayout:
        return ImageLayout(self.column.name, self.seen, self.segments)

    def _colours(self) -> list[str]:
        """The mean colour of each part as one sees it, as ``#rrggbb``."""
        shown = self.seen if self.seen.ndim == 3 else np.repeat(self.seen[:, :, None], 3, axis=2)
        owners, counts = self.segments.reshape(-1), np.bincount(self.segments.reshape(-1))
        means = [np.bincount(owners, one.reshape(-1)) / counts for one in np.moveaxis(shown, 2, 0)]
        told = np.rint(np.stack(means, axis=1)).astype(int)
        return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in told]
