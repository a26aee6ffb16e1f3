"""Delivers to a sink that takes one message at a time, each as soon as it is its turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import cycle, islice
from typing import Protocol

from sidelight.errors import MalformedPayload
from sidelight.events.http import HttpMessage
from sidelight.log.contract import Stored
from sidelight_logger.frames import BROKEN
from sidelight_logger.shipper.fates import DELIVERED, Fate, SinkFailed, SinkRefused
from sidelight_logger.shipper.form import Form, messages
from sidelight_logger.shipper.patience import Patience

_SUSPECT_TRIES = 8
"""After so many 5xx in a row another record is tried: a sink that takes that one is not down."""


class Sink(Protocol):
    """Takes messages; called by one thread. Raises `SinkRefused` or `SinkFailed`."""

    def send(self, message: HttpMessage) -> None: ...


class Posting:
    """A `Delivery` of one message after the other."""

    at_once = 100
    longest_wait_seconds = 30.0

    def __init__(self, sink: Sink, form: Form) -> None:
        self._sink = sink
        self._form: Form = form
        self._others: Iterator[Stored] = iter(())

    def deliver(self, found: Sequence[Stored], patience: Patience) -> Iterator[Fate]:
        for at, stored in enumerate(found, 1):
            self._others = cycle(found[at:])
            yield self._post(stored, patience)

    def _post(self, stored: Stored, patience: Patience) -> Fate:
        try:
            for message in messages(stored, self._form):
                patience.insist(partial(self._sink.send, message), self._suspect)
        except (MalformedPayload, SinkRefused) as cause:
            return Fate(cause=cause)
        return DELIVERED

    def _suspect(self, failed: SinkFailed, tries: int) -> None:
        """Gives up a record that breaks a sink which takes others."""
        if failed.reason == BROKEN and tries >= _SUSPECT_TRIES and self._takes_another():
            raise SinkRefused(f"{failed}, {tries} times, while it takes others") from failed

    def _takes_another(self) -> bool:
        """Whether the sink takes a record that comes later; it will get that one again."""
        try:
            for other in islice(self._others, 1):
                for message in messages(other, self._form)[:1]:
                    self._sink.send(message)
                    return True
        except (SinkFailed, SinkRefused, MalformedPayload):
            return False
        return False
