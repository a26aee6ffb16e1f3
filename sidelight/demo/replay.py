"""Plays the two phases through the logger and watches what the detectors make of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sidelight.demo.prepare import MODEL, WINDOW_ROWS, Stage
from sidelight.demo.traffic import Clients
from sidelight.demo.watching import Watcher
from sidelight.errors import SidelightError
from sidelight.log import Address, Log
from sidelight.log.topics import INFERENCE
from sidelight.tensors import Columns

SETTLE_SECONDS = 20.0
"""How long the services may take to record, and to judge, what was sent."""
LOOK_SECONDS = 0.2

Tell = Callable[[int], None]
"""Hears how many rows of a phase have been answered."""


@dataclass(frozen=True)
class Played:
    """What was sent; `onset` has, by partition, the first exchange after the change."""

    onset_rows: int
    onset: tuple[int, ...]
    rows: int
    requests: int
    seconds: float

    def is_quiet(self, exchange: Address) -> bool:
        """Whether the exchange was recorded before the change."""
        return exchange.offset < self.onset[exchange.partition]


class Player:
    """Sends phases one after the other: a phase begins when all of the last is in the log."""

    def __init__(self, stage: Stage, log: Log, watcher: Watcher, seed: int) -> None:
        self._log, self._watcher, self._seed = log, watcher, seed
        host, _, port = stage.addresses["logger"].rpartition(":")
        self._clients = Clients(host, int(port), MODEL)
        self._looked = 0.0

    def play(self, quiet: Columns, opened: Columns, tell: tuple[Tell, Tell]) -> Played:
        began = time.monotonic()
        before = self._send(quiet, tell[0])
        self._await("recorded", lambda: sum(self._recorded()) >= before)
        onset = self._recorded()
        after = self._send(opened, tell[1])
        seconds = time.monotonic() - began
        self._await("recorded", lambda: sum(self._recorded()) >= before + after)
        rows = len(quiet) + len(opened)
        self._await("judged", lambda: rows - self._watcher.rows < 2 * WINDOW_ROWS)
        return Played(len(quiet), onset, rows, before + after, seconds)

    def _send(self, rows: Columns, tell: Tell) -> int:
        done = 0

        def answered(count: int) -> None:
            nonlocal done
            done += count
            if time.monotonic() - self._looked > LOOK_SECONDS:
                self._look()
                tell(done)

        requests = self._clients.send(rows, self._seed, answered)
        tell(done)
        return requests

    def _look(self) -> None:
        self._watcher.look()
        self._looked = time.monotonic()

    def _recorded(self) -> tuple[int, ...]:
        """Where each partition ends."""
        partitions = range(self._log.partitions(INFERENCE))
        return tuple(self._log.span(INFERENCE, partition).end for partition in partitions)

    def _await(self, what: str, reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SETTLE_SECONDS
        while not reached():
            if time.monotonic() > deadline:
                raise SidelightError(f"the traffic was not {what} within {SETTLE_SECONDS:.0f} s")
            time.sleep(LOOK_SECONDS)
            self._look()
