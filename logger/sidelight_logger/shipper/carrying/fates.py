"""What may become of a record on its way to a sink."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sidelight.errors import SidelightError
from sidelight.log.contract import Stored

if TYPE_CHECKING:
    from sidelight_logger.shipper.carrying.patience import Patience


class SinkRefused(SidelightError):
    """The sink will not take this record, now or later."""


class SinkFailed(SidelightError):
    """The sink could not take the record now. `after_seconds` is what it advises, 0 if nothing."""

    def __init__(self, message: str, reason: str, after_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.reason = reason
        self.after_seconds = after_seconds


class Stopped(Exception):
    """Asked to stop before the record was delivered; it stays with the log."""


@dataclass(frozen=True, slots=True)
class Fate:
    """Delivered, whole or reduced for the reason given; or refused for the `cause`."""

    reduced: str = ""
    cause: SidelightError | None = None


DELIVERED = Fate()


class Delivery(Protocol):
    """One way to a sink, used by one thread.

    `at_once` bounds what is given for one delivery, and so what a killed shipper sends again;
    `gather_seconds` how long a first record is held until that many are there;
    `longest_wait_seconds` the wait between two tries.
    """

    at_once: int
    gather_seconds: float
    longest_wait_seconds: float

    def deliver(self, found: Sequence[Stored], patience: Patience) -> Iterator[Fate]:
        """What became of each record, in order, as soon as it is known; `Stopped` may end it."""
        ...
