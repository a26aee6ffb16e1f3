"""Where stations stand: what a service gives to all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sidelight.config.settings import ModelSettings
from sidelight.errors import ConfigError, NotEnoughData, SidelightError
from sidelight.events.dataref import Keeper
from sidelight.probes import TRUST_NOBODY, Verifier
from sidelight.tensors import Columns
from sidelight_detectors.reference import reference_as_logged

MIN_ROWS = 40
"""Reference rows at least of a station that asks."""


@dataclass(frozen=True)
class Place:
    """Partitions of the log, the store of large bodies, who tells probes, and seconds."""

    partitions: int = 1
    store: Keeper | None = None
    probes: Verifier = TRUST_NOBODY
    clock: Callable[[], float] = time.monotonic

    def require_afford(self, rows_a_minute: int, cost: int) -> None:
        """Raises `ConfigError` when no partition could ever ask about a row of that cost."""
        least = 2 * cost * self.partitions
        if rows_a_minute < least:
            raise ConfigError(
                f"max_rows_per_minute {rows_a_minute} is too small for {self.partitions} "
                f"partitions and {cost} questions a row; set at least {least}"
            )


@contextmanager
def told_of(where: str) -> Iterator[None]:
    """What is refused inside names the setting that asked for it."""
    try:
        yield
    except SidelightError as exc:
        raise type(exc)(f"{where}: {exc}") from exc


def rows_of(model: ModelSettings) -> Columns:
    """The reference's rows themselves.

    Raises `ConfigError` where there is only what was fitted, `NotEnoughData` for too few.
    """
    if model.reference is None or model.reference.suffix == ".npz":
        raise ConfigError("it needs the rows themselves; set the model's 'reference' to a table")
    table = reference_as_logged(model.reference, model)
    if len(table) < MIN_ROWS:
        raise NotEnoughData(f"the reference has {len(table)} rows; at least {MIN_ROWS} are needed")
    return table
