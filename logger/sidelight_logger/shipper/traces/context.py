"""W3C trace context, as far as a span needs it.

Source: https://www.w3.org/TR/trace-context/ section 3.2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TRACEPARENT = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?"
)
_SAMPLED = 1


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asked: its trace and span, and whether it records them."""

    trace_id: bytes
    span_id: bytes
    flags: int

    @property
    def is_sampled(self) -> bool:
        return bool(self.flags & _SAMPLED)


def caller(traceparent: str) -> Caller | None:
    """None for a header that is missing, several, or not well formed."""
    found = _TRACEPARENT.fullmatch(traceparent)
    if found is None or (found[1] == "00" and found[5] is not None):
        return None
    return Caller(bytes.fromhex(found[2]), bytes.fromhex(found[3]), int(found[4], 16))
