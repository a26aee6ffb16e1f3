"""What every game has."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Columns
from sidelight_explainers.contents.attributions import Attribution
from sidelight_explainers.contents.layout import Layout

Masks = NDArray[np.bool_]
"""(r, p), True where a player is there: its part of the row is as in the explained row."""


class Game(Protocol):
    """Players of one explained row: its features or groups of them, words, superpixels.

    A player that is not there is replaced by what one of `size` backgrounds holds in its place (a
    reference row; one of several baselines of a picture). Players that could not make a difference
    are none; `attributions` puts them back with a share of zero.
    """

    @property
    def players(self) -> int: ...

    @property
    def size(self) -> int: ...

    def rows(self, masks: Masks, background: NDArray[np.intp]) -> Columns:
        """The rows (r,) of those coalitions, each against the given background in 0..size-1."""
        ...

    def keys(self, masks: Masks, background: NDArray[np.intp]) -> NDArray[Any]:
        """(r, k) integers or bytes that are equal where the rows would be."""
        ...

    def explained(self) -> Columns:
        """The explained row."""
        ...

    def attributions(
        self,
        contributions: NDArray[np.float64],
        low: NDArray[np.float64] | None,
        high: NDArray[np.float64] | None,
    ) -> tuple[Attribution, ...]:
        """Shares (p,) and their intervals by name, in the order a reader expects."""
        ...

    def layout(self) -> Layout | None:
        """Where the players are; None for a table."""
        ...
