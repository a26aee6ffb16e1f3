"""The calls under way on one connection: what passes on each, and how it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from sidelight.events.exchange import Outcome
from sidelight_logger.correlation import Ids
from sidelight_logger.proxy.h2.allowance import Allowance
from sidelight_logger.proxy.h2.blocks import Blocks, literal
from sidelight_logger.proxy.h2.frames import (
    ACK,
    ENHANCE_YOUR_CALM,
    HEADER_TABLE_SIZE,
    HEADERS,
    RST_STREAM,
    SETTINGS,
    Violation,
    setting,
)
from sidelight_logger.proxy.h2.heads import Head
from sidelight_logger.proxy.recording import Recording

_BLANK_LINE = b"\r\n"
_RESETS, _RESETS_PER_SECOND = 1000, 100.0
"""Calls that are given up, on top of those that come to their end: clients that ask twice and take
the faster answer give up half, an attack all."""
_CONTROLS, _CONTROLS_PER_SECOND = 20_000, 10_000.0
"""Pings, settings, priorities, empty frames of both sides, on top of one for each call: peers that
measure their connection need some hundred a second."""

_HEAD_BYTES = 256 << 10
"""Of an answer's head and trailers, beyond which no more trailers are captured."""


@dataclass(slots=True)
class Stream:
    """One call, and what its request was given."""

    recording: Recording
    given: Ids
    answer_head: bytes = b""


class Opener(Protocol):
    """Begins the recording of a call."""

    def __call__(self, head: bytes, ids: Ids) -> Stream:
        """`head` is the request's as text, `ids` are those in it."""


@dataclass(slots=True)
class Streams:
    """Both directions of one connection share them."""

    begin: Opener
    most: int
    clock: Callable[[], float]
    open: dict[int, Stream] = field(default_factory=dict)
    last: int = 0
    """The newest stream of the client."""
    resets: Allowance = field(init=False)
    controls: Allowance = field(init=False)

    def __post_init__(self) -> None:
        self.resets = Allowance(_RESETS, _RESETS_PER_SECOND, self.clock)
        self.controls = Allowance(_CONTROLS, _CONTROLS_PER_SECOND, self.clock)

    def add(self, number: int, head: Head) -> Stream:
        if len(self.open) >= self.most:
            raise Violation(f"more than {self.most} calls at a time", ENHANCE_YOUR_CALM)
        self.last = number
        stream = self.begin(head.line + head.lines + _BLANK_LINE, head.ids)
        self.open[number] = stream
        return stream

    def answered(self, number: int) -> None:
        if (stream := self.open.pop(number, None)) is not None:
            stream.recording.end("answered")
            self.resets.earn()
            self.controls.earn()

    def given_up(self, number: int, outcome: Outcome) -> None:
        """One side has reset the stream."""
        if (stream := self.open.pop(number, None)) is None:
            return
        stream.recording.end(outcome)
        if not self.resets.spend():
            raise Violation("too many calls were reset", ENHANCE_YOUR_CALM)

    def end_all(self, outcome: Outcome) -> None:
        """The connection ends."""
        while self.open:
            self.open.popitem()[1].recording.end(outcome)


class _Direction:
    """What both directions do: read blocks, and have limits."""

    def __init__(self, streams: Streams, blocks: Blocks, other: Blocks) -> None:
        self._streams = streams
        self._blocks = blocks
        self._other = other

    def _spend_control(self) -> None:
        if not self._streams.controls.spend():
            raise Violation("too many frames that carry nothing", ENHANCE_YOUR_CALM)

    def _heed_settings(self, flags: int, payload: bytes) -> None:
        """The sender tells how large a table it reads the other side's blocks with."""
        size = None if flags & ACK else setting(payload, HEADER_TABLE_SIZE)
        if size is not None:
            self._other.allow_table(size)


class Requests(_Direction):
    """What the client sends."""

    def block(self, kind: int, stream: int, block: bytes) -> bytes:
        head = self._blocks.read(block)
        if kind != HEADERS or not head.line or stream <= self._streams.last:
            return b""  # trailers, or what the model server will refuse
        given = self._streams.add(stream, head).given
        return _literals(given.missing_in(head.ids))

    def data(self, stream: int, payload: bytes) -> None:
        if not payload:
            self._spend_control()
        elif (call := self._streams.open.get(stream)) is not None:
            call.recording.request(payload)

    def end(self, stream: int) -> None:
        """The call ends with its answer."""

    def control(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        self._spend_control()
        if kind == RST_STREAM:
            self._streams.given_up(stream, "abandoned")
        elif kind == SETTINGS:
            self._heed_settings(flags, payload)


class Answers(_Direction):
    """What the model server sends."""

    def __init__(self, streams: Streams, blocks: Blocks, other: Blocks, *, tells_id: bool) -> None:
        super().__init__(streams, blocks, other)
        self._tells_id = tells_id

    def block(self, kind: int, stream: int, block: bytes) -> bytes:
        head = self._blocks.read(block)
        call = self._streams.open.get(stream)
        if kind != HEADERS or call is None or head.interim:
            return b""
        if len(call.answer_head) > _HEAD_BYTES:
            return b""  # no client takes so many, and each counts against the memory of all calls
        call.answer_head = (call.answer_head or head.line) + head.lines
        call.recording.response(call.answer_head + _BLANK_LINE, b"")
        tells_id = self._tells_id and head.line
        return _literals(call.given.missing_in(head.ids)) if tells_id else b""

    def data(self, stream: int, payload: bytes) -> None:
        if not payload:
            self._spend_control()
        elif (call := self._streams.open.get(stream)) is not None:
            call.recording.response(b"", payload)

    def end(self, stream: int) -> None:
        self._streams.answered(stream)

    def control(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        self._spend_control()
        if kind == RST_STREAM:
            self._streams.given_up(stream, "unanswered")
        elif kind == SETTINGS:
            self._heed_settings(flags, payload)


def _literals(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join([literal(name, value) for name, value in fields])
