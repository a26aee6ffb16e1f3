"""Changed rows, and what is known of their decisions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight.config.explaining.counterfactual import CounterfactualSettings
from sidelight_explainers.contract import Inquiry
from sidelight_explainers.counterfactuals.aim import Aim, Said
from sidelight_explainers.games.blend import Blend, Codes


@dataclass(frozen=True, eq=False)
class Told:
    """Of some rows (r,): is the wanted decision reached, and how near is it?"""

    reached: NDArray[np.bool_]
    scores: NDArray[np.float64]


class Unaffordable(Exception):
    """The rows or the time for the next question are not there."""

    def __init__(self, rows: int) -> None:
        super().__init__(rows)
        self.rows = rows


class Steps:
    """Asks about rows that take each feature from one row of a palette, each different row once."""

    def __init__(
        self, mix: Blend, inquiry: Inquiry, output: str | None, options: CounterfactualSettings
    ) -> None:
        self._mix = mix
        self._inquiry = inquiry
        self._output = output
        self._options = options
        self._known: dict[bytes, Said] = {}
        self._aim: Aim | None = None

    @property
    def aim(self) -> Aim:
        """What is to be reached; the explained row is asked when nothing was asked before."""
        if self._aim is None:
            self.told(np.empty((0, len(self._mix.palette.columns)), np.int32))
        if self._aim is None:
            raise RuntimeError("the predictor was not asked")
        return self._aim

    @property
    def started(self) -> bool:
        """Was anything asked?"""
        return self._aim is not None

    @property
    def left(self) -> int:
        """Rows of the budget that can be asked about beside the explained one."""
        return self._inquiry.left - (not self.started)

    def told(self, sources: Codes) -> Told:
        """What the predictor says of the rows (r, n); raises `Unaffordable` when it cannot be
        asked."""
        keys = self._keys(sources)
        new = {key: at for at, key in enumerate(keys) if key not in self._known}
        if new or not self.started:
            self._learn(list(new), sources[list(new.values())])
        said = [self._known[key] for key in keys]
        return Told(
            np.array([one.reached for one in said], bool),
            np.array([one.score for one in said], np.float64),
        )

    def said(self, row: Codes) -> Said:
        """Of a row (n,) that was asked about."""
        return self._known[self._keys(row[None, :])[0]]

    def _learn(self, keys: list[bytes], sources: Codes) -> None:
        if not self.started:
            itself = np.full((1, sources.shape[1]), self._mix.size, np.int32)
            keys, sources = [*self._keys(itself), *keys], np.concatenate([itself, sources])
        if not self._inquiry.affords(len(keys)):
            raise Unaffordable(len(keys))
        answer = self._inquiry.ask(self._mix.rows(sources))
        if self._aim is None:
            self._aim = Aim.of(answer, self._output, self._options)
        self._known.update(zip(keys, self._aim.said(answer), strict=True))

    def _keys(self, sources: Codes) -> list[bytes]:
        codes = np.take_along_axis(self._mix.codes, sources, axis=0)
        return [row.tobytes() for row in np.ascontiguousarray(codes)]
