"""The game of a table's row: its features or groups of them, against reference rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import DataMismatch
from sidelight.tensors import Columns
from sidelight_explainers.contents.attributions import Attribution
from sidelight_explainers.contents.values import json_value
from sidelight_explainers.games.blend import Blend, blend
from sidelight_explainers.games.game import Masks
from sidelight_explainers.games.shares import shared

Groups = Mapping[str, Sequence[str]]
"""The features of each group by the group's name."""


@dataclass(frozen=True, eq=False)
class TabularGame:
    """Features of one row; absent ones take a reference row's values, all from the same row.

    A group of features comes and goes together, as one part (`names`); `part` (n,) is that of
    each feature. The players are the parts in which the row differs from at least one background
    row: `playing` (p,) lists them, `owner` says whose each feature that differs is.
    """

    mix: Blend
    names: tuple[str, ...]
    part: NDArray[np.intp]
    playing: NDArray[np.intp]
    owner: NDArray[np.intp]

    @classmethod
    def of(cls, row: Columns, background: Columns, groups: Groups | None = None) -> TabularGame:
        """`DataMismatch` names the feature whose type does not go with the background's."""
        mix = blend(row.select(background.names), background)
        names, part = parts_of(background.names, groups or {})
        playing, owner = np.unique(part[mix.players], return_inverse=True)
        return cls(mix, names, part, playing, owner.reshape(-1))

    @property
    def players(self) -> int:
        return len(self.playing)

    @property
    def size(self) -> int:
        return self.mix.size

    def rows(self, masks: Masks, background: NDArray[np.intp]) -> Columns:
        return self.mix.rows(self.sources(masks, background))

    def keys(self, masks: Masks, background: NDArray[np.intp]) -> NDArray[Any]:
        return np.take_along_axis(self.mix.codes, self.sources(masks, background), axis=0)

    def sources(self, masks: Masks, background: NDArray[np.intp]) -> NDArray[np.int32]:
        """For each feature of each coalition's row (r, n) the row of `mix.palette` it is of."""
        return self.mix.sources(masks[:, self.owner], background)

    def explained(self) -> Columns:
        return self.mix.palette.take([self.mix.size])

    def positions(self) -> NDArray[np.float64]:
        """A number for each player's values in each background row (m, p): numbers themselves, the
        place among the others otherwise; of a group the sum of its features' places."""
        told = np.zeros((self.size, self.players))
        for feature, owner in zip(self.mix.players, self.owner, strict=True):
            alone = np.count_nonzero(self.owner == owner) == 1
            told[:, owner] += self._numbers(feature) if alone else self.mix.codes[:-1, feature]
        return told

    def attributions(
        self,
        contributions: NDArray[np.float64],
        low: NDArray[np.float64] | None,
        high: NDArray[np.float64] | None,
    ) -> tuple[Attribution, ...]:
        values = [self._value(at) for at in range(len(self.names))]
        return shared(self.names, values, self.playing, contributions, low, high)

    def layout(self) -> None:
        return None

    def _numbers(self, feature: int) -> NDArray[np.float64]:
        codes = self.mix.codes[:-1, feature].astype(np.float64)
        column = self.mix.palette.columns[feature]
        if column.kind != "number" or column.valid is not None:
            return codes
        values = column.values[:-1].astype(np.float64)
        return values if np.isfinite(values).all() else codes

    def _value(self, part: int) -> Any:
        columns = [self.mix.palette.columns[at] for at in np.flatnonzero(self.part == part)]
        values = [json_value(column, self.mix.size) for column in columns]
        return values[0] if columns[0].name == self.names[part] else values


def parts_of(features: Sequence[str], groups: Groups) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """The groups, and the features in none, in the order of the features; and the number of each
    feature's. `DataMismatch` for a group of what is no feature, or is in another."""
    group = {one: name for name, members in groups.items() for one in members}
    for name, members in groups.items():
        for one in members:
            if one not in features:
                raise DataMismatch(f"group {name!r}: no feature {one!r}; known: {list(features)}")
            if group[one] != name or list(members).count(one) > 1:
                raise DataMismatch(f"group {name!r}: feature {one!r} is grouped twice")
        if name in features:
            raise DataMismatch(f"group {name!r} is the name of a feature; choose another")
    owners = [group.get(one, one) for one in features]
    names = tuple(dict.fromkeys(owners))
    return names, np.array([names.index(one) for one in owners], np.intp)
