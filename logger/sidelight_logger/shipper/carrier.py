"""Carries records to a sink: one at a time, in order, until the sink has each or refuses it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import count, cycle, islice
from threading import Event
from typing import Literal, Protocol

import structlog

from sidelight.errors import LogFull, MalformedPayload, OffsetOutOfRange, SidelightError
from sidelight.events.deadletters import dead_letter, to_event
from sidelight.events.http import HttpMessage
from sidelight.events.records import to_record
from sidelight.log import topics
from sidelight.log.contract import Log, Membership, Stored
from sidelight_logger.frames import ABSENT, BROKEN, RETIRED, SINK_FAILURES, UNTOLD, SinkStats
from sidelight_logger.shipper.form import messages
from sidelight_logger.shipper.ledger import Ledger, ledger_of
from sidelight_logger.shipper.sink import Backoff, SinkFailed, SinkRefused

_READ_RECORDS = 100
_READ_BYTES = 8 << 20
_COMMIT_SECONDS = 1.0
"""What a killed shipper sends again is at most one read, and at most this long."""
_IDLE_SECONDS = 0.1
_SUSPECT_TRIES = 8
"""After so many 5xx in a row another record is tried: a sink that takes that one is not down."""
_TELL_AGAIN_SECONDS = 10.0
_TOPIC = topics.INFERENCE


class Sink(Protocol):
    """Takes messages; called by one thread. Raises `SinkRefused` or `SinkFailed`."""

    def send(self, message: HttpMessage) -> None: ...


class _Stopped(Exception):
    """Asked to stop before the record was delivered; it stays with the log."""


class _Grace:
    """The time that remains once a stop was asked for."""

    def __init__(self, stop: Event, seconds: float) -> None:
        self._stop = stop
        self._seconds = seconds
        self._until = float("inf")

    def is_over(self) -> bool:
        if not self._stop.is_set():
            return False
        self._until = min(self._until, time.monotonic() + self._seconds)
        return time.monotonic() >= self._until


class Carrier:
    """One sink's consumer of the whole topic."""

    def __init__(
        self,
        name: str,
        log: Log,
        membership: Membership,
        sink: Sink,
        form: Literal["kserve", "exchange"],
        stop: Event,
        backoff: Backoff | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._name = name
        self._log = log
        self._membership = membership
        self._sink = sink
        self._form = form
        self._stop = stop
        self._backoff = backoff or Backoff()
        self._clock_ns = clock_ns
        self._ledgers: dict[int, Ledger] = {}
        self._failures = dict.fromkeys(SINK_FAILURES, 0)
        self._committed_at = time.monotonic()
        self._silent_until = 0.0
        self._others: Iterator[Stored] = iter(())

    def run(self, grace_seconds: float) -> None:
        """Carry until asked to stop; then what is left, while the sink takes it and time remains.

        Raises `Fenced` when another shipper has taken over, `LogError` when the log cannot go on.
        """
        grace = _Grace(self._stop, grace_seconds)
        try:
            while True:
                stopping = self._stop.is_set()  # asked first: what came before it is carried
                if not self._carry_all(grace):
                    if stopping:
                        return
                    self._stop.wait(_IDLE_SECONDS)
        except _Stopped:
            return
        finally:
            self._commit()

    def stats(self) -> SinkStats:
        """What became of every record so far; may be called from another thread."""
        ledgers = dict(self._ledgers)
        reasons = {reason for ledger in ledgers.values() for reason in ledger.dropped}
        return SinkStats(
            sink=self._name,
            delivered=sum(ledger.delivered for ledger in ledgers.values()),
            dead_lettered=sum(ledger.dead_lettered for ledger in ledgers.values()),
            waiting=sum(self._end(p) - ledger.cursor for p, ledger in ledgers.items()),
            dropped={
                reason: sum(ledger.dropped.get(reason, 0) for ledger in ledgers.values())
                for reason in reasons
            },
            failures=dict(self._failures),
        )

    def _carry_all(self, grace: _Grace) -> bool:
        """Something of every partition; False when there was nothing."""
        carried = [self._carry(claim.partition, grace) for claim in self._membership.claims()]
        return any(carried)

    def _carry(self, partition: int, grace: _Grace) -> bool:
        found = self._read(partition)
        for at, stored in enumerate(found, 1):
            self._others = cycle(found[at:])
            if grace.is_over():
                raise _Stopped
            self._skip_to(partition, stored.address.offset)
            self._ledgers[partition] = self._settle(self._ledgers[partition], stored)
            if time.monotonic() - self._committed_at > _COMMIT_SECONDS:
                self._commit()
        if found:
            self._commit()
        return bool(found)

    def _read(self, partition: int) -> list[Stored]:
        ledger = self._ledger(partition)
        try:
            return self._log.read(
                _TOPIC,
                partition,
                ledger.cursor,
                max_records=_READ_RECORDS,
                max_bytes=_READ_BYTES,
            )
        except OffsetOutOfRange as gone:
            if ledger.cursor < gone.begin:
                self._ledgers[partition] = ledger.drop(RETIRED, gone.begin - ledger.cursor)
            else:
                self._ledgers[partition] = ledger.begin_again(gone.begin)
            self._logger().warning("records gone", partition=partition, cause=str(gone))
            return []

    def _ledger(self, partition: int) -> Ledger:
        if partition not in self._ledgers:
            committed = self._membership.committed(partition)
            begin = self._log.span(_TOPIC, partition).begin
            self._ledgers[partition] = ledger_of(committed, begin)
        return self._ledgers[partition]

    def _skip_to(self, partition: int, offset: int) -> None:
        ledger = self._ledgers[partition]
        if offset > ledger.cursor:
            self._ledgers[partition] = ledger.drop(ABSENT, offset - ledger.cursor)

    def _settle(self, ledger: Ledger, stored: Stored) -> Ledger:
        try:
            for message in messages(stored, self._form):
                self._send(message)
        except (MalformedPayload, SinkRefused) as cause:
            return self._bury(ledger, stored, cause)
        return ledger.deliver()

    def _send(self, message: HttpMessage) -> None:
        for tries in count(1):
            try:
                self._sink.send(message)
            except SinkFailed as failed:
                self._failures[failed.reason] += 1
                suspect = failed.reason == BROKEN and tries >= _SUSPECT_TRIES
                if suspect and self._takes_another():
                    raise SinkRefused(f"{failed}, {tries} times, while it takes others") from failed
                self._wait(failed)
            else:
                self._backoff.succeeded()
                return

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

    def _wait(self, failed: SinkFailed) -> None:
        seconds = self._backoff.next_seconds(failed.after_seconds)
        if time.monotonic() >= self._silent_until:
            self._silent_until = time.monotonic() + _TELL_AGAIN_SECONDS
            self._logger().warning("sink failed", cause=str(failed), again_in_seconds=seconds)
        if self._stop.is_set() or self._stop.wait(seconds):
            raise _Stopped

    def _bury(self, ledger: Ledger, stored: Stored, cause: SidelightError) -> Ledger:
        letter = dead_letter(
            cause,
            stored.record,
            reporter=f"shipper:{self._name}",
            origin=str(stored.address),
            time_ns=self._clock_ns(),
        )
        event = to_event(letter)
        try:
            self._log.append(topics.DEAD_LETTERS, [to_record(event, event.id.encode())])
        except LogFull:
            return ledger.drop(UNTOLD)
        return ledger.bury()

    def _commit(self) -> None:
        positions = {number: ledger.position() for number, ledger in self._ledgers.items()}
        if positions:
            self._membership.commit(positions)
        self._committed_at = time.monotonic()

    def _end(self, partition: int) -> int:
        return self._log.span(_TOPIC, partition).end

    def _logger(self) -> structlog.stdlib.BoundLogger:
        logger: structlog.stdlib.BoundLogger = structlog.get_logger("sidelight.shipper")
        return logger.bind(sink=self._name)
