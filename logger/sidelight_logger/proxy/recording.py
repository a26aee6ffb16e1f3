"""What is kept of one exchange while it passes, within the budget of all."""

from __future__ import annotations

import hashlib
import time
from typing import Any, Protocol

from sidelight.events.exchange import Outcome
from sidelight_logger.proxy.counters import Counters
from sidelight_logger.proxy.link import Budget
from sidelight_logger.wire.captures import Capture, Side

_EXCHANGE_BYTES = 512
"""What an exchange costs besides its content: its objects, its place in the queues."""
_PIECE_BYTES = 64
"""What a piece of a body costs besides its content: one `bytes` object and its place in a list."""


class Recording(Protocol):
    """Told of every byte that passes, and of the end."""

    def request(self, payload: bytes) -> None:
        """Bytes of the request's body."""

    def response(self, head: bytes, payload: bytes) -> None:
        """The response's head, or bytes of its body."""

    def unread(self, size: int) -> None:
        """Bytes of the request's body that nobody looks at."""

    def end(self, outcome: Outcome) -> None:
        """Nothing more comes."""


class Link(Protocol):
    """The way to the recorder. `drop_reason` is why what does not fit the budget is not kept."""

    @property
    def drop_reason(self) -> str: ...

    def offer(self, capture: Capture, size: int) -> None:
        """Take over a capture whose `size` was taken from the budget."""


class _Copy:
    """One side: its head, and the beginning of its body in pieces."""

    __slots__ = ("head", "pieces", "room", "sha256", "size", "unread")

    def __init__(self, head: bytes, room: int) -> None:
        self.head = head
        self.room = room
        self.pieces: list[bytes] = []
        self.size = 0
        self.sha256: Any = None
        self.unread = 0

    def side(self) -> Side:
        digest = self.sha256.digest() if self.sha256 and not self.unread else b""
        return Side(self.head, b"".join(self.pieces), self.size + self.unread, digest)

    def exceed(self, payload: bytes) -> None:
        """Bytes of which not all are kept: they count only in the hash of the whole."""
        if self.sha256 is None:
            self.sha256 = hashlib.sha256(b"".join(self.pieces))
        self.sha256.update(payload)


class Recorded:
    """An exchange that goes to the recorder, or is dropped and counted where memory ends."""

    __slots__ = (
        *("_budget", "_counters", "_held", "_id", "_kept", "_link"),
        *("_request", "_response", "_started", "_time_ns"),
    )

    def __init__(self, recorder: Recorder, id_: bytes, head: bytes) -> None:
        self._time_ns = time.time_ns()
        self._started = time.perf_counter()
        self._id = id_
        self._link = recorder.link
        self._budget = recorder.budget
        self._counters = recorder.counters
        self._request = _Copy(head, recorder.max_body)
        self._response = _Copy(b"", recorder.max_body)
        self._held = 0
        self._kept = True
        self._take(_EXCHANGE_BYTES + len(head))

    def request(self, payload: bytes) -> None:
        self._add(self._request, payload)

    def response(self, head: bytes, payload: bytes) -> None:
        if head and self._take(len(head)):
            self._response.head = head
        self._add(self._response, payload)

    def unread(self, size: int) -> None:
        self._request.unread += size

    def end(self, outcome: Outcome) -> None:
        seconds = time.perf_counter() - self._started
        request, response = self._request, self._response
        self._counters.exchange(seconds, request.size + request.unread, response.size)
        if not self._kept:
            self._counters.dropped(self._link.drop_reason)
            return
        duration_ns = int(seconds * 1e9)
        sides = request.side(), response.side()
        self._link.offer(Capture(self._id, self._time_ns, duration_ns, outcome, *sides), self._held)

    def _add(self, copy: _Copy, payload: bytes) -> None:
        size = len(payload)
        copy.size += size
        if not self._kept:
            return
        if size > copy.room:
            copy.exceed(payload)
            size = copy.room
            payload = payload[:size]
        if size and self._take(_PIECE_BYTES + size):
            copy.pieces.append(payload)
            copy.room -= size

    def _take(self, size: int) -> bool:
        if self._kept and self._budget.take(size):
            self._held += size
        elif self._kept:
            self._kept = False
            self._budget.give(self._held)
            self._request.pieces.clear()
            self._response.pieces.clear()
        return self._kept


class Unrecorded:
    """No recorder: nothing is kept."""

    def request(self, payload: bytes) -> None:
        """Not kept."""

    def response(self, head: bytes, payload: bytes) -> None:
        """Not kept."""

    def unread(self, size: int) -> None:
        """Not counted."""

    def end(self, outcome: Outcome) -> None:
        """Not sent."""


class Recorder:
    """Begins the recording of each exchange."""

    def __init__(self, link: Link, budget: Budget, counters: Counters, max_body: int) -> None:
        self.link = link
        self.budget = budget
        self.counters = counters
        self.max_body = max_body

    def begin(self, id_: bytes, head: bytes) -> Recording:
        return Recorded(self, id_, head)


class NoRecorder:
    """Begins nothing."""

    _UNRECORDED = Unrecorded()

    def begin(self, id_: bytes, head: bytes) -> Recording:
        return self._UNRECORDED
