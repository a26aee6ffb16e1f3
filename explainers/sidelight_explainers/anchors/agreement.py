"""Do rows get the decision that the explained row gets? Each different row is asked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.explaining.deciding import DecidingSettings
from sidelight.tensors import Columns
from sidelight_explainers.anchors.world import Draws
from sidelight_explainers.contract import Inquiry
from sidelight_explainers.decisions import Decider, choose_decider
from sidelight_explainers.games.parts import parts, rows_a_part

DIGITS = 6
"""Of how near a draw comes: the last bits of an answer may depend on the rows it was asked with,
and must not decide which rule is looked at next."""


@dataclass(frozen=True, eq=False)
class Seen:
    """For each draw: `agrees` (r,), is it decided as the explained row is? `near` (r,), how nearly,
    from 0 to 1 and above a half where it agrees; the same as `agrees` where nothing finer is
    known."""

    agrees: NDArray[np.bool_]
    near: NDArray[np.float64]


class Agreement:
    """What is known of one explanation's draws."""

    def __init__(
        self, inquiry: Inquiry, explained: Columns, output: str | None, options: DecidingSettings
    ) -> None:
        self._inquiry = inquiry
        self._explained = explained
        self._output = output
        self._options = options
        self._known: dict[bytes, tuple[bool, float]] = {}
        self._reading: _Reading | None = None
        self.questions = 0
        """Asked so far."""

    @property
    def started(self) -> bool:
        """Is anything known yet?"""
        return self._reading is not None

    @property
    def output(self) -> str:
        """The name of the output that decides."""
        return self._read().decider.output

    @property
    def decision(self) -> Any:
        """Of the explained row, as a JSON value."""
        reading = self._read()
        return reading.decider.words(reading.label)

    def cost(self, draws: Draws) -> int:
        """Rows of these draws that are not known."""
        return len(self._new(_keys(draws))) + (not self.started)

    def affords(self, draws: Draws, spare: int) -> bool:
        """Can the rows of these draws that are not known be asked, and so many more?"""
        return self._inquiry.affords(self.cost(draws) + spare)

    def of(self, draws: Draws) -> Seen:
        """What the predictor says of these draws."""
        keys = _keys(draws)
        new = self._new(keys)
        if new or not self.started:
            self._learn(list(new), np.fromiter(new.values(), np.intp, len(new)), draws)
        told = np.array([self._known[key] for key in keys], np.float64).reshape(-1, 2)
        return Seen(told[:, 0] > 0, told[:, 1])

    def _learn(self, keys: list[bytes], places: NDArray[np.intp], draws: Draws) -> None:
        for part in parts(max(len(keys), 1), rows_a_part(self._explained)):
            seen = self._ask(draws.rows(places[part]))
            pairs = zip(seen.agrees.tolist(), seen.near.tolist(), strict=True)
            self._known.update(zip(keys[part], pairs, strict=True))

    def _new(self, keys: list[bytes]) -> dict[bytes, int]:
        """Where each key that is not known stands."""
        return {key: at for at, key in enumerate(keys) if key not in self._known}

    def _ask(self, rows: Columns) -> Seen:
        self.questions += 1
        if self._reading is not None:
            return self._reading.seen(self._inquiry.ask(rows))
        answer = self._inquiry.ask(Columns.concatenate([self._explained, rows]))
        self._reading = _Reading.of(answer, self._output, self._options)
        seen = self._reading.seen(answer)
        return Seen(seen.agrees[1:], seen.near[1:])

    def _read(self) -> _Reading:
        if self._reading is None:
            raise RuntimeError("nothing has been asked yet")
        return self._reading


@dataclass(frozen=True)
class _Reading:
    """How answers are read: the explained row's decision, and the largest score seen at first."""

    decider: Decider
    label: Any
    scale: float

    @classmethod
    def of(cls, answer: Columns, output: str | None, options: DecidingSettings) -> _Reading:
        decider = choose_decider(answer, output, options)
        label = decider.labels(answer)[0]
        scores = decider.scores(answer, label)
        scale = 0.0 if scores is None else float(np.abs(scores).max())
        return cls(decider, label, scale or 1.0)

    def seen(self, answer: Columns) -> Seen:
        agrees = self.decider.labels(answer) == self.label
        scores = self.decider.scores(answer, self.label)
        if scores is None:
            return Seen(agrees, agrees.astype(np.float64))
        near = 0.5 + 0.5 * np.clip(scores / self.scale, -1, 1)
        return Seen(agrees, near.round(DIGITS))


def _keys(draws: Draws) -> list[bytes]:
    keys = np.ascontiguousarray(draws.keys)
    return [row.tobytes() for row in keys]
