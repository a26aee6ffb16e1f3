"""Clients that number what they ask, and the ledger of what the model's answers confirmed.

A client asks one thing after the other on a kept connection. When that breaks it asks the same
again, as a client of a restarted server must; an answer with another status than 200, or another
body than the one that was sent, is a failed prediction.
"""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from zlib import crc32

from tests.logger.sinks import wait_until

PATH = "/v2/models/income/infer"
_ID = re.compile(r"(?P<client>[^-]+)-(?P<number>\d+)")


def id_of(client: str, number: int) -> str:
    return f"{client}-{number:07d}"


def body_of(id_: str) -> bytes:
    """What the request of that id says: made anew by whoever checks it."""
    filler = crc32(id_.encode())
    return b'{"id":"%b","inputs":[],"filler":"%b"}' % (id_.encode(), b"%x" % filler * (filler % 99))


def order_of(id_: str) -> tuple[str, int]:
    """The client, and which of its requests this is."""
    found = _ID.fullmatch(id_)
    assert found is not None, id_
    return found["client"], int(found["number"])


class Asker:
    """One client in a thread of its own."""

    def __init__(self, address: str, name: str, pause_seconds: float = 0.0) -> None:
        self.name = name
        self.answered: list[str] = []
        """The ledger: what a 200 with the right body confirmed, in order."""
        self.failed: list[str] = []
        self.broken = 0
        """Connections that ended under a request, which was then sent again."""
        self.longest_seconds = 0.0
        """From the first try of a request to its answer, at most: told, never asserted."""
        self._address = address
        self._pause_seconds = pause_seconds
        self._connection = self._connect()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        number, began = 0, time.monotonic()
        while not self._stopping.is_set():
            if self._ask(id_of(self.name, number)):
                self.longest_seconds = max(self.longest_seconds, time.monotonic() - began)
                number, began = number + 1, time.monotonic()
            else:
                self.broken += 1
                self._connection.close()
                self._connection = self._connect()
                self._stopping.wait(0.02)
            if self._pause_seconds:
                self._stopping.wait(self._pause_seconds)

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._address, timeout=60)

    def _ask(self, id_: str) -> bool:
        """Whether an answer came, good or bad."""
        asked = body_of(id_)
        headers = {"Content-Type": "application/json", "Ce-Id": id_}
        try:
            self._connection.request("POST", PATH, asked, headers)
            answer = self._connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException):
            return False
        if (answer.status, said) == (200, asked):
            self.answered.append(id_)
        else:
            self.failed.append(f"{id_}: {answer.status} {said[:200]!r}")
        return True


def total(askers: Sequence[Asker]) -> int:
    return sum(len(asker.answered) for asker in askers)


def longest(askers: Sequence[Asker]) -> float:
    """How long a client had to wait at most, over all kills and restarts."""
    return max(asker.longest_seconds for asker in askers)


def wait_for_more(askers: Sequence[Asker], count: int, seconds: float = 60.0) -> None:
    """Until so many more requests have been answered."""
    goal = total(askers) + count
    wait_until(lambda: total(askers) >= goal, f"{count} more answers", seconds)


@contextmanager
def asking(address: str, clients: int, pause_seconds: float = 0.0) -> Iterator[list[Asker]]:
    """Clients at work until the block ends."""
    askers = [Asker(address, f"c{number}", pause_seconds) for number in range(clients)]
    for asker in askers:
        asker.start()
    try:
        yield askers
    finally:
        for asker in askers:
            asker.stop()
