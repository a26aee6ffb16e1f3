"""Carries a topic to a sink, in order, and keeps the account of every record."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping

import structlog

from sidelight.errors import OffsetOutOfRange
from sidelight.log.contract import Log, Membership, Stored
from sidelight.log.topics import INFERENCE
from sidelight_logger.shipper.carrying.choosing import Choice, everything
from sidelight_logger.shipper.carrying.fates import Delivery, Fate, Stopped
from sidelight_logger.shipper.carrying.gathering import Gathering
from sidelight_logger.shipper.carrying.ledger import Ledger, ledger_of
from sidelight_logger.shipper.carrying.letters import Letters
from sidelight_logger.shipper.carrying.patience import Patience
from sidelight_logger.wire.sinks import ABSENT, RETIRED, UNTOLD, SinkStats

_COMMIT_SECONDS = 1.0
"""What a killed shipper sends again is at most one delivery, and at most this long."""
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
        choice: Choice = everything,
    ) -> None:
        self._name = name
        self._log = log
        self._membership = membership
        self._delivery = delivery
        self._letters = letters
        self._patience = patience
        self._choice = choice
        self._gatherings: dict[int, Gathering] = {}
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
            waiting=sum(ledger.waiting(self._end(p)) for p, ledger in ledgers.items()),
            dropped=_sum(ledger.dropped for ledger in ledgers.values()),
            left_out=_sum(ledger.left_out for ledger in ledgers.values()),
            reduced=_sum(ledger.reduced for ledger in ledgers.values()),
            failures=dict(self._patience.failures),
            trouble=self._patience.trouble,
        )

    def _carry_all(self) -> bool:
        """Something of every partition; False when there was nothing."""
        carried = [self._carry(claim.partition) for claim in self._membership.claims()]
        return any(carried)

    def _carry(self, partition: int) -> bool:
        gathering = self._gathering(partition)
        came = self._fill(partition, gathering)
        found = gathering.release(at_end=self._patience.stopping or came is None)
        wanted = [one.stored for one in found if one.stored is not None]
        fates = self._delivery.deliver(wanted, self._patience) if wanted else iter(())
        for one in found:
            ledger = _up_to(self._ledgers[partition], one.offset)
            if one.stored is None:
                self._ledgers[partition] = ledger.leave_out(one.reason)
            else:
                self._ledgers[partition] = self._settled(ledger, one.stored, next(fates))
            if time.monotonic() - self._committed_at > _COMMIT_SECONDS:
                self._commit()
        if wanted:
            self._commit()
        return bool(came or found)

    def _fill(self, partition: int, gathering: Gathering) -> bool | None:
        """Whether anything came; None where what should follow is gone."""
        ledger = self._ledger(partition)
        try:
            return gathering.fill(ledger.cursor)
        except OffsetOutOfRange as gone:
            if not gathering.holds:
                self._jump(partition, ledger, gone)
            return None

    def _jump(self, partition: int, ledger: Ledger, gone: OffsetOutOfRange) -> None:
        if ledger.cursor < gone.begin:
            self._ledgers[partition] = ledger.skip_to(gone.begin, RETIRED)
        else:
            self._ledgers[partition] = ledger.begin_again(gone.begin)
        self._logger().warning("records gone", partition=partition, cause=str(gone))

    def _gathering(self, partition: int) -> Gathering:
        if partition not in self._gatherings:
            at_once, seconds = self._delivery.at_once, self._delivery.gather_seconds
            new = Gathering(self._log, partition, self._choice, at_once, seconds)
            self._gatherings[partition] = new
        return self._gatherings[partition]

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
    return ledger.skip_to(offset, ABSENT) if offset > ledger.cursor else ledger


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)
