"""The wire to the recorder: length-prefixed frames over a unix stream socket.

    frame     u32 length of what follows, u8 kind, the fields
    capture   one exchange as it crossed the wire (kind 1)
    sink      the cumulative counters of a shipper, about once a second (kind 2)
    hello     a logger inside of a model server; its counters' memory comes along (kind 3)

All numbers are little endian. The recorder answers with acknowledgements: u64, how many captures
of this connection it has settled so far (appended, left out by policy, or dropped and counted).
What is not acknowledged when the connection breaks, the proxy counts as dropped.

A hello is the first frame of its connection, and a descriptor of the sender's `tally` travels with
it (``SCM_RIGHTS``): so the recorder reads what was counted also after a ``kill -9``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from sidelight.errors import LimitExceeded, MalformedPayload
from sidelight.events.exchange import Outcome
from sidelight.values import value

RETIRED = "retired"
"""Not shipped: retention took the records first."""
ABSENT = "absent"
"""Not shipped: the log has no record at these offsets (damage)."""
UNTOLD = "untold"
"""Refused by the sink, and the log had no space for the dead letter."""
SINK_DROPS = (RETIRED, ABSENT, UNTOLD)

FILTERED = "filtered"
"""Not meant for the sink: another model, status or protocol than it asks for."""
SAMPLED = "sampled"
"""Not in the share that the sink asks for."""
BODILESS = "bodiless"
"""Kept without bodies, of which KServe's events would tell nothing."""
SINK_LEFT_OUT = (FILTERED, SAMPLED, BODILESS)

UNREACHABLE = "unreachable"
SLOW = "timeout"
BUSY = "busy"
BROKEN = "server_error"
DENIED = "denied"
STORE = "store"
SINK_FAILURES = (UNREACHABLE, SLOW, BUSY, BROKEN, DENIED, STORE)
"""Why a try failed: no connection (to Kafka: or no answer), no answer in time, 408, 425, 429 or
503, any other 5xx, what speaks of the address or the login and not of the event (3xx, 401, 403,
404, 405, 407, 410; a missing topic or right), and a folder or bucket that cannot be written: the
sink's own, or the store of large bodies.
"""

REFERENCED = "referenced"
CUT = "cut"
SINK_REDUCTIONS = (REFERENCED, CUT)
"""Delivered, but with the bodies in the store or cut, because the record was too large."""

MAX_FRAME_BYTES = 2 << 30
"""Two bodies of the largest `logger.max_body` (below 1 GiB) and their heads."""

_CAPTURE = 1
_SINK = 2
_HELLO = 3
_LENGTH = struct.Struct("<I")
_CAPTURE_HEAD = struct.Struct("<IB16sQQBIIQIIQ32s")
_NO_SHA256 = bytes(32)
_ACKNOWLEDGEMENT = struct.Struct("<Q")
_OUTCOMES: tuple[Outcome, ...] = ("answered", "unanswered", "abandoned")
_OUTCOME_CODES = {outcome: code for code, outcome in enumerate(_OUTCOMES)}


@value()
class Side:
    """A request or a response: its raw head (start line to blank line) and its body.

    `body` has no transfer encoding (chunks are joined) and keeps its content encoding. It is the
    beginning, at most `logger.max_body` bytes; `size` counts every byte that came. No head means
    that this side never came. `sha256` (32 bytes) is of the whole body of a request that was cut
    and says that Sidelight asked it: only so can that still be proven.
    """

    head: bytes = b""
    body: bytes = b""
    size: int = 0
    sha256: bytes = b""

    @property
    def truncated(self) -> bool:
        return self.size > len(self.body)


@value()
class Capture:
    """One exchange. `id` is a UUIDv7 (16 bytes); `time_ns` when the request's head was there."""

    id: bytes
    time_ns: int
    duration_ns: int
    outcome: Outcome
    request: Side
    response: Side


POST_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds of `Posts.counts`, which has one more bucket beyond them."""


@dataclass(frozen=True, slots=True)
class Posts:
    """What became of posts of one kind of event since the shipper's process began.

    `counts` are those that were taken, by how long it took; `seconds` is their sum.
    """

    sent: int = 0
    refused: int = 0
    seconds: float = 0.0
    counts: tuple[int, ...] = (0,) * (len(POST_BOUNDS) + 1)


@dataclass(frozen=True, slots=True)
class SinkStats:
    """What became of the log's records for one sink, since its group began.

    accepted = delivered + dead-lettered + dropped + left out + waiting, in records; each part is
    derived from the group's committed positions. `reduced` are those of the delivered that went
    without their bodies. `failures` are tries since the shipper's process began; `trouble` says why
    the newest one failed, empty when it did not. `posts` of an HTTP sink are by kind of event:
    ``request``, ``response``, and any ``other``.
    """

    sink: str
    delivered: int = 0
    dead_lettered: int = 0
    waiting: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    reduced: Mapping[str, int] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=dict)
    trouble: str = ""
    posts: Mapping[str, Posts] = field(default_factory=dict)

    @property
    def accepted(self) -> int:
        unsent = sum(self.dropped.values()) + sum(self.left_out.values())
        return self.delivered + self.dead_lettered + unsent + self.waiting


@dataclass(frozen=True, slots=True)
class Outsized:
    """A capture longer than allowed: passed over, nothing of it was kept in memory."""

    size: int


@dataclass(frozen=True, slots=True)
class Hello:
    """Somebody's in-process logger begins to hand over."""


Frame = Capture | SinkStats | Outsized | Hello


def encode(capture: Capture) -> list[bytes]:
    """The frame of a capture as parts for one ``writelines``; bodies are not copied."""
    request, response = capture.request, capture.response
    parts = (request.head, request.body, response.head, response.body)
    length = _CAPTURE_HEAD.size - _LENGTH.size + sum(map(len, parts))
    head = _CAPTURE_HEAD.pack(
        length,
        _CAPTURE,
        capture.id,
        capture.time_ns,
        capture.duration_ns,
        _OUTCOME_CODES[capture.outcome],
        len(request.head),
        len(request.body),
        request.size,
        len(response.head),
        len(response.body),
        response.size,
        request.sha256 or _NO_SHA256,
    )
    return [head, *parts]


def encode_stats(stats: SinkStats) -> bytes:
    content = orjson.dumps(asdict(stats))
    return _LENGTH.pack(1 + len(content)) + bytes((_SINK,)) + content


def encode_hello() -> bytes:
    return _LENGTH.pack(1) + bytes((_HELLO,))


def encode_acknowledgement(settled: int) -> bytes:
    return _ACKNOWLEDGEMENT.pack(settled)


class Acknowledgements:
    """Reads the recorder's answers; `feed` returns how many captures are settled so far."""

    def __init__(self) -> None:
        self._settled = 0
        self._rest = b""

    def feed(self, data: bytes) -> int:
        data = self._rest + data
        whole = len(data) - len(data) % _ACKNOWLEDGEMENT.size
        if whole:
            (self._settled,) = _ACKNOWLEDGEMENT.unpack_from(data, whole - _ACKNOWLEDGEMENT.size)
        self._rest = data[whole:]
        return self._settled


class Decoder:
    """Cuts a byte stream into frames; memory is bounded by one frame and what was fed.

    A capture above `max_frame_bytes` is passed over. A frame that is no frame raises
    `MalformedPayload`: the stream is lost, close the connection.
    """

    def __init__(self, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        self._max_frame_bytes = max_frame_bytes
        self._held = bytearray()
        """The beginning of a frame."""
        self._passing_over = 0

    def feed(self, data: bytes) -> Iterator[Frame]:
        if self._held:
            self._held += data
            if self._is_begun():
                return
            data, self._held = bytes(self._held), bytearray()
        start = self._pass_over(data, 0)
        try:
            while (size := self._frame_bytes(data, start)) is not None:
                if size - _LENGTH.size > self._max_frame_bytes:
                    self._passing_over = size
                    start = self._pass_over(data, start)
                    yield Outsized(size)
                elif start + size <= len(data):
                    start += size
                    yield _decode(data, start - size, size)
                else:
                    return
        finally:
            self._held += data[start:]

    def _is_begun(self) -> bool:
        """Whether what is held must grow: to copy it with every piece would take too long."""
        size = self._frame_bytes(self._held, 0)
        return size is None or len(self._held) < size <= self._max_frame_bytes + _LENGTH.size

    def _pass_over(self, data: bytes, start: int) -> int:
        """Where in the data what is passed over ends."""
        passed = min(self._passing_over, len(data) - start)
        self._passing_over -= passed
        return start + passed

    def _frame_bytes(self, data: bytes | bytearray, start: int) -> int | None:
        """Of the frame that begins there, its length field too; None until its kind is known."""
        if len(data) - start <= _LENGTH.size:
            return None
        length: int = _LENGTH.unpack_from(data, start)[0]
        is_capture = data[start + _LENGTH.size] == _CAPTURE
        if not 0 < length <= (MAX_FRAME_BYTES if is_capture else self._max_frame_bytes):
            raise LimitExceeded(f"a frame of {length} bytes; 1 to {self._max_frame_bytes} allowed")
        return _LENGTH.size + length


def _decode(data: bytes, start: int, size: int) -> Frame:
    kind = data[start + _LENGTH.size]
    if kind == _CAPTURE:
        return _decode_capture(data, start, size)
    if kind == _SINK:
        return _decode_stats(data[start + _LENGTH.size + 1 : start + size])
    if kind == _HELLO:
        return Hello()
    raise MalformedPayload(f"a frame of kind {kind}; known are {_CAPTURE}, {_SINK} and {_HELLO}")


def _decode_capture(data: bytes, start: int, size: int) -> Capture:
    if size < _CAPTURE_HEAD.size:
        raise MalformedPayload(f"a capture of {size} bytes is shorter than its own head")
    _, _, id_, time_ns, duration_ns, outcome, *sizes, sha256 = _CAPTURE_HEAD.unpack_from(
        data, start
    )
    q_head, q_body, q_size, r_head, r_body, r_size = sizes
    if _CAPTURE_HEAD.size + q_head + q_body + r_head + r_body != size:
        raise MalformedPayload(f"the parts of a capture do not add up to its {size} bytes")
    if outcome >= len(_OUTCOMES):
        raise MalformedPayload(f"outcome {outcome} of a capture; known are 0 to 2")
    first = start + _CAPTURE_HEAD.size
    second = first + q_head
    third = second + q_body
    fourth = third + r_head
    proof = b"" if sha256 == _NO_SHA256 else sha256
    request = Side(data[first:second], data[second:third], q_size, proof)
    response = Side(data[third:fourth], data[fourth : fourth + r_body], r_size)
    return Capture(id_, time_ns, duration_ns, _OUTCOMES[outcome], request, response)


def _decode_stats(content: bytes) -> SinkStats:
    try:
        fields = orjson.loads(content)
        posts = {kind: _posts(**one) for kind, one in fields.pop("posts", {}).items()}
        return SinkStats(**fields, posts=posts)
    except (ValueError, TypeError, AttributeError) as exc:
        raise MalformedPayload(f"counters cannot be read: {exc}") from exc


def _posts(counts: list[int], **sums: Any) -> Posts:
    return Posts(counts=tuple(counts), **sums)
