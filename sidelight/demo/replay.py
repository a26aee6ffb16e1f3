"""Plays the two phases through the logger and watches what the detectors make of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sidelight.demo.attack import ATTACK
from sidelight.demo.prepare import MODEL, WINDOW_ROWS, Stage
from sidelight.demo.traffic import Answered, Clients
from sidelight.demo.watching import Watcher
from sidelight.errors import SidelightError
from sidelight.events.feedback import is_feedback
from sidelight.log import Address, Log, Record
from sidelight.log.topics import INFERENCE
from sidelight.tensors import Columns

SETTLE_SECONDS = 20.0
"""How long the services may take to record, and to judge, what was sent."""
LOOK_SECONDS = 0.2

Tell = Callable[[int], None]
"""Hears how many rows of a phase have been answered."""

Hear = Callable[[Answered], None]
"""Hears of every request that was answered."""

PHASES = ("2015", "2018")
"""How ids of requests begin."""


@dataclass(frozen=True)
class Played:
    """What was sent; `onset` has, by partition, the first exchange after the change."""

    onset_rows: int
    onset: tuple[int, ...]
    rows: int
    requests: int
    seconds: float
    attack: frozenset[Address] = frozenset()
    """Exchanges that the attacker asked for."""

    def is_quiet(self, exchange: Address) -> bool:
        """Whether the exchange was recorded before the change, and is no part of the attack."""
        is_before = exchange.offset < self.onset[exchange.partition]
        return is_before and exchange not in self.attack


class Recorded:
    """Counts the exchanges in a log; feedback stands between them."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._ends = [0] * log.partitions(INFERENCE)
        self._exchanges = 0
        self.attack: set[Address] = set()
        """Those that the attacker asked for."""

    @property
    def ends(self) -> tuple[int, ...]:
        """Where what was counted ends, by partition."""
        return tuple(self._ends)

    def count(self) -> int:
        """All there are by now."""
        for partition in range(len(self._ends)):
            while batch := self._log.read(INFERENCE, partition, self._ends[partition]):
                self._ends[partition] = batch[-1].address.offset + 1
                self._exchanges += sum(not is_feedback(stored.record) for stored in batch)
                self.attack |= {stored.address for stored in batch if _is_attack(stored.record)}
        return self._exchanges


def _is_attack(record: Record) -> bool:
    said = dict(record.headers).get("ce_correlationid", b"")
    return said.startswith(ATTACK.encode())


def _nobody(answered: Answered) -> None:
    """Nobody wants to hear of it."""


class Player:
    """Sends phases one after the other: a phase begins when all of the last is in the log."""

    def __init__(self, stage: Stage, log: Log, watcher: Watcher, seed: int) -> None:
        self._log, self._watcher, self._seed = log, watcher, seed
        host, _, port = stage.addresses["logger"].rpartition(":")
        self.clients = Clients(host, int(port), MODEL)
        self._recorded = Recorded(log)
        self._looked = 0.0

    def play(
        self, quiet: Columns, opened: Columns, tell: tuple[Tell, Tell], hear: Hear = _nobody
    ) -> Played:
        began = time.monotonic()
        self._send(quiet, PHASES[0], tell[0], hear)
        self._await_recorded()
        onset = self._recorded.ends
        self._send(opened, PHASES[1], tell[1], hear)
        seconds = time.monotonic() - began
        self._await_recorded()
        rows = len(quiet) + len(opened)
        self.wait("judged", lambda: rows - self._watcher.rows < 2 * WINDOW_ROWS)
        attack = frozenset(self._recorded.attack)
        return Played(len(quiet), onset, rows, self.clients.asked, seconds, attack)

    def wait(self, what: str, reached: Callable[[], bool]) -> None:
        """Until that is so; `SidelightError` when it takes too long."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while not reached():
            if time.monotonic() > deadline:
                raise SidelightError(f"the traffic was not {what} within {SETTLE_SECONDS:.0f} s")
            time.sleep(LOOK_SECONDS)
            self._look()

    def _send(self, rows: Columns, phase: str, tell: Tell, hear: Hear) -> None:
        def answered(one: Answered) -> None:
            hear(one)
            if time.monotonic() - self._looked > LOOK_SECONDS:
                self._look()
                tell(one.rows.stop)

        self.clients.send(rows, phase, self._seed, answered)
        tell(len(rows))

    def _await_recorded(self) -> None:
        asked = self.clients.asked
        self.wait("recorded", lambda: self._recorded.count() >= asked)

    def _look(self) -> None:
        self._watcher.look()
        self._looked = time.monotonic()
