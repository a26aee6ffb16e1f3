"""Delivers to a sink that takes one message at a time, over a few connections."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from queue import SimpleQueue
from typing import Protocol

from sidelight.errors import MalformedPayload
from sidelight.events.http import HttpMessage
from sidelight.log.contract import Stored
from sidelight_logger.shipper.carrying.fates import DELIVERED, Fate, SinkFailed, SinkRefused
from sidelight_logger.shipper.carrying.form import Form, messages
from sidelight_logger.shipper.carrying.patience import Patience
from sidelight_logger.wire.sinks import BROKEN, SLOW, UNREACHABLE

_SUSPECT_TRIES = 8
"""After so many failures in a row another record is tried: a sink that takes it is not down."""
_SUSPICIOUS = (BROKEN, SLOW, UNREACHABLE)
"""What a record itself may be the cause of."""


class Sink(Protocol):
    """Takes messages; called by one thread at a time. Raises `SinkRefused` or `SinkFailed`."""

    def send(self, message: HttpMessage) -> None: ...

    def close(self) -> None: ...


class Posting:
    """A `Delivery` of the messages of each record in order, and of as many records at a time as
    there are connections.

    Only first tries are made beside each other. Where one fails, nothing more is begun: this thread
    alone tries on, as long as it takes and as the sink advises. `later` are records that follow one
    in the log.
    """

    at_once = 100
    gather_seconds = 0.0
    longest_wait_seconds = 30.0

    def __init__(
        self, sinks: Sequence[Sink], form: Form, later: Callable[[Stored], Iterable[Stored]]
    ) -> None:
        self._sinks = sinks
        self._form: Form = form
        self._later = later
        self._pool = ThreadPoolExecutor(len(sinks), "posting") if len(sinks) > 1 else None
        self._idle: SimpleQueue[Sink] = SimpleQueue()
        for sink in sinks:
            self._idle.put(sink)

    def deliver(self, found: Sequence[Stored], patience: Patience) -> Iterator[Fate]:
        begun: deque[_Errand | Fate] = deque()
        for stored in found:
            begun.append(self._begun(stored))
            if len(begun) == len(self._sinks):
                yield self._ended(begun.popleft(), patience)
        while begun:
            yield self._ended(begun.popleft(), patience)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        for sink in self._sinks:
            sink.close()

    def _begun(self, stored: Stored) -> _Errand | Fate:
        try:
            errand = _Errand(stored, messages(stored, self._form))
        except MalformedPayload as cause:
            return Fate(cause=cause)
        if self._pool is not None:
            errand.first_try = self._pool.submit(self._try, errand).result
        return errand

    def _ended(self, errand: _Errand | Fate, patience: Patience) -> Fate:
        if isinstance(errand, Fate):
            return errand
        tries = iter((errand.first_try,))
        try:
            patience.insist(
                lambda: (next(tries, None) or partial(self._try, errand))(),
                partial(self._suspect, errand.stored),
            )
        except SinkRefused as cause:
            return Fate(cause=cause)
        return DELIVERED

    def _try(self, errand: _Errand) -> None:
        with self._connection() as sink:
            while errand.left:
                sink.send(errand.left[0])
                errand.left.popleft()

    def _suspect(self, stored: Stored, failed: SinkFailed, tries: int) -> None:
        """Gives up a record that fails in a sink which takes others."""
        suspicious = failed.reason in _SUSPICIOUS and tries >= _SUSPECT_TRIES
        if suspicious and self._takes_another(stored):
            raise SinkRefused(f"{failed}, {tries} times, while it takes others") from failed

    def _takes_another(self, stored: Stored) -> bool:
        """Whether the sink takes a record that comes later; it will get that one again."""
        for other in self._later(stored):
            try:
                for message in messages(other, self._form)[:1]:
                    with self._connection() as sink:
                        sink.send(message)
                    return True
            except (SinkFailed, SinkRefused, MalformedPayload):
                continue
        return False

    @contextmanager
    def _connection(self) -> Iterator[Sink]:
        sink = self._idle.get()
        try:
            yield sink
        finally:
            self._idle.put(sink)


class _Errand:
    """What is still to be sent for a record; `first_try` waits for the one that is being made."""

    def __init__(self, stored: Stored, left: Iterable[HttpMessage]) -> None:
        self.stored = stored
        self.left = deque(left)
        self.first_try: Callable[[], None] | None = None
