"""Receiver and joiner as processes that may be killed, and the log that they write."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sidelight.events import Exchange
from sidelight.log import open_log
from sidelight.log.topics import DEAD_LETTERS
from tests.logger.joining import exchanges_in
from tests.logger.receiving import Client
from tests.logger.sinks import wait_until
from tests.logger.test_receiver_running import answers, command
from tests.ports import free_port

AGE_SECONDS, SOON_SECONDS = 3600.0, 1.0


@dataclass
class Chain:
    """Receiver and joiner as processes, each with a place of its own."""

    folder: Path
    opened: ExitStack
    ports: dict[str, int] = field(default_factory=dict)
    at_work: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    joining: dict[str, Any] = field(default_factory=dict)

    @property
    def client(self) -> Client:
        return Client(self.ports["receiver"])

    def start(self, name: str) -> None:
        port = self.ports.setdefault(name, free_port())
        told = {"listen": f"127.0.0.1:{port}"} | (self.joining if name == "joiner" else {})
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        log = {"log": str(self.folder / "log")}
        service = command(folder, name, **log, **{name: told})
        self.at_work[name] = self.opened.enter_context(service)
        wait_until(lambda: answers(port), name, 60)

    def kill(self, name: str) -> None:
        self.at_work[name].kill()
        self.at_work[name].wait()
        self.start(name)

    def exchanges(self) -> list[Exchange]:
        with closing(open_log(self.folder / "log")) as log:
            assert log.span(DEAD_LETTERS, 0).end == 0
            return exchanges_in(log)

    def tell_the_rest(self) -> None:
        """Another joiner, whose patience is short; then it ends too."""
        waiting = self._of_joiner("waiting_halves")
        self._stop_joiner()
        self.joining["ttl_seconds"] = SOON_SECONDS
        self.start("joiner")
        if waiting:
            expired = 'halves_total{outcome="expired"}'
            wait_until(lambda: self._of_joiner(expired) > 0, "those that waited", 60)
        wait_until(lambda: self._of_joiner("waiting_halves") == 0, "the last that waits", 60)
        self._stop_joiner()

    def _of_joiner(self, name: str) -> float:
        return Client(self.ports["joiner"]).metric(f"sidelight_joiner_{name}")

    def _stop_joiner(self) -> None:
        self.at_work["joiner"].terminate()
        assert self.at_work["joiner"].wait(60) == 0


@contextmanager
def chain(folder: Path, **joining: Any) -> Iterator[Chain]:
    with ExitStack() as opened:
        found = Chain(folder, opened, joining={"ttl_seconds": AGE_SECONDS, **joining})
        for name in ("receiver", "joiner"):
            found.start(name)
        yield found
