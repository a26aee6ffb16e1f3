"""What `shapley` needs of a model whose file can be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sidelight.tensors import Columns
from sidelight_explainers.contents.attributions import Attributions
from sidelight_explainers.contract import Inquiry


@dataclass(frozen=True, slots=True)
class Unread:
    """Why a model, or one answer of it, must be asked for instead, in words for the reader."""

    reason: str


class WhiteBox(Protocol):
    """A readable model with its background, prepared once; immutable, called from many threads.

    `row` is one row with the background's columns and types (`Game.explained`), its features the
    players. Asks the predictor in one call for that row and a few background rows, and gives the
    exact Shapley values only where the file and the predictor agree on all of them; otherwise it
    says why not, and the black box goes on with what is left of the budget. Passes on what
    `inquiry.ask` raises, and `DataMismatch` for an output that is not there.
    """

    def __call__(
        self, row: Columns, output: str | None, inquiry: Inquiry
    ) -> Attributions | Unread: ...
