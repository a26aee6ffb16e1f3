"""Carries a topic to a sink, in order, and keeps the account of every record."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping

import structlog

from sidelight.errors import OffsetOutOfRange
from sidelight.log.contract import Log, Membership, Stored
from sidelight.log.topics import INFERENCE
from sidelight_logger.frames import ABSENT, RETIRED, UNTOLD, SinkStats
from sidelight_logger.shipper.fates import Delivery, Fate, Stopped
from sidelight_logger.shipper.ledger import Ledger, ledger_of
from sidelight_logger.shipper.letters import Letters
from sidelight_logger.shipper.patience import Patience

_READ_BYTES = 8 << 20
_COMMIT_SECONDS = 1.0
"""What a killed shipper sends again is at most one read, and at most this long."""
_IDLE_SECONDS = 0.1


class Carrier:
    """One sink's consumer of the exchanges."""

    def __init__(
        self,
        name: str,
        log: Log,
        membership: Membership,
        delivery: Delivery,
        letters: Letters,
        patience: Patience,
    ) -> None:
        self._name = name
        self._log = log
        self._membership = membership
        self._delivery = delivery
        self._letters = letters
        self._patience = patience
        self._ledgers: dict[int, Ledger] = {}
        self._committed_at = time.monotonic()

    def run(self) -> None:
        """Carry until asked to stop; then what is left, while the sink takes it and time remains.

        Raises `Fenced` when another shipper has taken over, `LogError` when the log cannot go on.
        """
        try:
            while True:
                stopping = self._patience.stopping  # asked first: what came before it is carried
                if not self._carry_all():
                    if stopping:
                        return
                    self._patience.rest(_IDLE_SECONDS)
        except Stopped:
            return
        finally:
            self._commit()

    def stats(self) -> SinkStats:
        """What became of every record so far; may be called from another thread."""
        ledgers = dict(self._ledgers)
        return SinkStats(
            sink=self._name,
            delivered=sum(ledger.delivered for ledger in ledgers.values()),
            dead_lettered=sum(ledger.dead_lettered for ledger in ledgers.values()),
            waiting=sum(self._end(p) - ledger.cursor for p, ledger in ledgers.items()),
            dropped=_sum(ledger.dropped for ledger in ledgers.values()),
            reduced=_sum(ledger.reduced for ledger in ledgers.values()),
            failures=dict(self._patience.failures),
            trouble=self._patience.trouble,
        )

    def _carry_all(self) -> bool:
        """Something of every partition; False when there was nothing."""
        carried = [self._carry(claim.partition) for claim in self._membership.claims()]
        return any(carried)

    def _carry(self, partition: int) -> bool:
        found = self._read(partition)
        fates = self._delivery.deliver(found, self._patience)
        for stored, fate in zip(found, fates, strict=True):
            ledger = _up_to(self._ledgers[partition], stored.address.offset)
            self._ledgers[partition] = self._settled(ledger, stored, fate)
            if time.monotonic() - self._committed_at > _COMMIT_SECONDS:
                self._commit()
        if found:
            self._commit()
        return bool(found)

    def _read(self, partition: int) -> list[Stored]:
        ledger = self._ledger(partition)
        try:
            return self._log.read(
                INFERENCE,
                partition,
                ledger.cursor,
                max_records=self._delivery.at_once,
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
            begin = self._log.span(INFERENCE, partition).begin
            self._ledgers[partition] = ledger = ledger_of(committed, begin)
            if committed is None:
                # Where it begins: what is taken before the first delivery is counted as dropped.
                self._membership.commit({partition: ledger.position()})
        return self._ledgers[partition]

    def _settled(self, ledger: Ledger, stored: Stored, fate: Fate) -> Ledger:
        if fate.cause is not None:
            told = self._letters.bury(stored, fate.cause, self._patience)
            return ledger.bury() if told else ledger.drop(UNTOLD)
        return ledger.deliver_reduced(fate.reduced) if fate.reduced else ledger.deliver()

    def _commit(self) -> None:
        positions = {number: ledger.position() for number, ledger in self._ledgers.items()}
        if positions:
            self._membership.commit(positions)
        self._committed_at = time.monotonic()

    def _end(self, partition: int) -> int:
        return self._log.span(INFERENCE, partition).end

    def _logger(self) -> structlog.stdlib.BoundLogger:
        logger: structlog.stdlib.BoundLogger = structlog.get_logger("sidelight.shipper")
        return logger.bind(sink=self._name)


def _up_to(ledger: Ledger, offset: int) -> Ledger:
    """Counts what the log lacks before that offset."""
    return ledger.drop(ABSENT, offset - ledger.cursor) if offset > ledger.cursor else ledger


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)
