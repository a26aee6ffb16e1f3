"""The game of a table's row: its features, against reference rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Columns
from sidelight_explainers.contents.attributions import Attribution
from sidelight_explainers.contents.values import json_value
from sidelight_explainers.games.blend import Blend, blend
from sidelight_explainers.games.game import Masks


@dataclass(frozen=True, eq=False)
class TabularGame:
    """Features of one row; absent ones take a reference row's values, all from the same row.

    The players are the features in which the row differs from at least one background row.
    """

    mix: Blend

    @classmethod
    def of(cls, row: Columns, background: Columns) -> TabularGame:
        """`DataMismatch` names the feature whose type does not go with the background's."""
        return cls(blend(row.select(background.names), background))

    @property
    def players(self) -> int:
        return len(self.mix.players)

    @property
    def size(self) -> int:
        return self.mix.size

    def rows(self, masks: Masks, background: NDArray[np.intp]) -> Columns:
        return self.mix.rows(self.mix.sources(masks, background))

    def keys(self, masks: Masks, background: NDArray[np.intp]) -> NDArray[Any]:
        return np.take_along_axis(self.mix.codes, self.mix.sources(masks, background), axis=0)

    def explained(self) -> Columns:
        return self.mix.palette.take([self.mix.size])

    def attributions(
        self,
        contributions: NDArray[np.float64],
        low: NDArray[np.float64] | None,
        high: NDArray[np.float64] | None,
    ) -> tuple[Attribution, ...]:
        at = {int(feature): player for player, feature in enumerate(self.mix.players)}
        return tuple(
            Attribution(
                column.name,
                json_value(column, self.mix.size),
                _at(contributions, at.get(feature), 0.0),
                None if low is None else _at(low, at.get(feature), 0.0),
                None if high is None else _at(high, at.get(feature), 0.0),
            )
            for feature, column in enumerate(self.mix.palette)
        )

    def layout(self) -> None:
        return None


def _at(values: NDArray[np.float64], player: int | None, otherwise: float) -> float:
    return otherwise if player is None else float(values[player])
