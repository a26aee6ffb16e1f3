"""What is known of a record that was opened before its turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sidelight.events import Exchange
from sidelight.log import Stored
from sidelight.tensors import Columns
from sidelight.values import value


@dataclass(frozen=True, slots=True)
class Rows:
    """One exchange's rows of a block that was decoded in one piece, all exchanges with as many."""

    block: Columns
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def parameters(self) -> Mapping[str, Any]:
        return self.block.parameters


@value()
class Opened(Stored):
    """A record, the exchange it holds, and its rows if they were decoded with others'."""

    exchange: Exchange
    rows: Rows | None = None
