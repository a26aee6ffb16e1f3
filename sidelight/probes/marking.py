"""The header of a probe: what for, when, and a proof that it is ours.

    sidelight-purpose: explain;t=1790000000000000000;mac=<hex>

The message authentication code (HMAC-SHA-256) covers the purpose, the time and the sha256 of the
body, so that whoever has the key knows that the exchange is ours. A header that anybody else wrote,
kept for later or put on another body proves nothing: that exchange is traffic like any other.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from sidelight.events.exchange import PURPOSE_HEADER, Exchange
from sidelight.probes.verifying import Standing
from sidelight.protocols.grpc.frames import PREFIX_BYTES, is_framed

MAX_AGE_NS = 300_000_000_000
"""How far the time in the header may be from that of the exchange: an old header is no excuse."""

_FORM = re.compile(
    r"(?P<purpose>[a-z][a-z-]{0,31});t=(?P<time>[0-9]{1,19});mac=(?P<mac>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class ProbeKey:
    """The secret that explainers and detectors of one deployment share."""

    secret: bytes

    def header(self, purpose: str, body: bytes, time_ns: int) -> str:
        """What to send as `PURPOSE_HEADER` with this body, of gRPC with this message."""
        return f"{purpose};t={time_ns};mac={self._mac(purpose, time_ns, _sha256(body))}"

    def standing(self, exchange: Exchange) -> Standing:
        """Whether it was asked by who has the key, with this body, about now."""
        found = _FORM.fullmatch(exchange.purpose)
        if found is None:
            return "forged"
        time_ns, digest = int(found["time"]), _digest(exchange)
        if not hmac.compare_digest(found["mac"], self._mac(found["purpose"], time_ns, digest)):
            return "forged"
        return "ours" if abs(exchange.time_ns - time_ns) <= MAX_AGE_NS else "stale"

    def _mac(self, purpose: str, time_ns: int, digest: str) -> str:
        told = f"{purpose}\n{time_ns}\n{digest}".encode()
        return hmac.new(self.secret, told, hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Mark:
    """What a predictor puts on each question: it is asked for this purpose, by us."""

    key: ProbeKey
    purpose: str
    time_ns: Callable[[], int] = time.time_ns

    def of(self, body: bytes) -> dict[str, str]:
        """The header of a question that is sent now."""
        return {PURPOSE_HEADER: self.key.header(self.purpose, body, self.time_ns())}


def _digest(exchange: Exchange) -> str:
    """Of the request's whole body: as the logger found it where the content is not there."""
    body = exchange.request
    if body.truncated or (body.sha256 and not body.content):
        return body.sha256
    if exchange.protocol == "grpc" and is_framed(body.content):
        return _sha256(body.content[PREFIX_BYTES:])
    return _sha256(body.content)


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
