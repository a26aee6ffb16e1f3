"""A capture: one exchange as it crossed the wire, and its frame."""

from __future__ import annotations

import struct

from sidelight.errors import MalformedPayload
from sidelight.events.exchange import Outcome
from sidelight.values import value
from sidelight_logger.wire.kinds import CAPTURE, LENGTH

_HEAD = struct.Struct("<IB16sQQBIIQIIQ32s32s")
_NO_SHA256 = bytes(32)
_OUTCOMES: tuple[Outcome, ...] = ("answered", "unanswered", "abandoned")
_OUTCOME_CODES = {outcome: code for code, outcome in enumerate(_OUTCOMES)}


@value()
class Side:
    """A request or a response: its raw head (start line to blank line) and its body.

    `body` has no transfer encoding (chunks are joined) and keeps its content encoding. It is the
    beginning, at most `logger.max_body` bytes; `size` counts every byte that came. No head means
    that this side never came. `sha256` (32 bytes) is of the whole body of which only the beginning
    is here; empty when the rest was never seen.
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


def encode(capture: Capture) -> list[bytes]:
    """The frame of a capture as parts for one ``writelines``; bodies are not copied."""
    request, response = capture.request, capture.response
    parts = (request.head, request.body, response.head, response.body)
    length = _HEAD.size - LENGTH.size + sum(map(len, parts))
    head = _HEAD.pack(
        length,
        CAPTURE,
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
        response.sha256 or _NO_SHA256,
    )
    return [head, *parts]


def decode(data: bytes, start: int, size: int) -> Capture:
    """Of the frame of that size that begins there. Raises `MalformedPayload`."""
    if size < _HEAD.size:
        raise MalformedPayload(f"a capture of {size} bytes is shorter than its own head")
    _, _, id_, time_ns, duration_ns, outcome, *sizes = _HEAD.unpack_from(data, start)
    *sizes, q_sha256, r_sha256 = sizes
    q_head, q_body, q_size, r_head, r_body, r_size = sizes
    if _HEAD.size + q_head + q_body + r_head + r_body != size:
        raise MalformedPayload(f"the parts of a capture do not add up to its {size} bytes")
    if outcome >= len(_OUTCOMES):
        raise MalformedPayload(f"outcome {outcome} of a capture; known are 0 to 2")
    first = start + _HEAD.size
    second = first + q_head
    third = second + q_body
    fourth = third + r_head
    answer = data[fourth : fourth + r_body]
    request = Side(data[first:second], data[second:third], q_size, _known(q_sha256))
    response = Side(data[third:fourth], answer, r_size, _known(r_sha256))
    return Capture(id_, time_ns, duration_ns, _OUTCOMES[outcome], request, response)


def _known(sha256: bytes) -> bytes:
    return b"" if sha256 == _NO_SHA256 else sha256
