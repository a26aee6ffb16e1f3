"""CloudEvents' webhook handshake: a sender asks whether its events are wanted.

The address that a sender names to be called back at is never called: it could be anybody's.
Source: CloudEvents "HTTP 1.1 Web Hooks" 1.0.2, section 4.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

ORIGIN = "webhook-request-origin"
RATE = "webhook-request-rate"


def consent(headers: Mapping[str, str], allowed: Collection[str]) -> dict[str, str]:
    """The headers of the answer to ``OPTIONS``. They consent to an origin that is `allowed`, to
    every one when none is named; to one that is not, they do not."""
    answer = {"allow": "OPTIONS, POST"}
    origin = headers.get(ORIGIN, "")
    if origin and (not allowed or origin.lower() in {one.lower() for one in allowed}):
        answer["webhook-allowed-origin"] = origin
        # No rate is promised: what is too much at once gets 429.
        answer["webhook-allowed-rate"] = "*"
    return answer
