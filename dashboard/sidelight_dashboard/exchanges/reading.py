"""Many rows out of the log, for as long as somebody waits."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from sidelight.errors import SidelightError
from sidelight_dashboard.exchanges.opening import OpenedRow, open_row
from sidelight_dashboard.showing import Showing

Opened = OpenedRow | SidelightError
"""The row, or why it is not there."""


class Slow(SidelightError):
    """Reading the rows takes too long."""


def read_rows(
    showing: Showing, places: Iterable[tuple[str, int]], patience_seconds: float
) -> Iterator[Opened]:
    """Each at the address of its exchange and its number there."""
    gives_up = time.monotonic() + patience_seconds
    for exchange, row in places:
        yield _read(showing, exchange, row, gives_up, patience_seconds)


def _read(
    showing: Showing, exchange: str, row: int, gives_up: float, patience_seconds: float
) -> Opened:
    if time.monotonic() > gives_up:
        return Slow(f"not read: reading took more than {patience_seconds:g} s; open the row")
    try:
        return open_row(showing, exchange, row)
    except SidelightError as exc:
        return exc
