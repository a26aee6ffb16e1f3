"""What Sidelight asks a model itself, marked so that nobody takes it for traffic.

An explainer or a probing detector sends the header ``sidelight-purpose``: what for, when, and a
message authentication code over both and over the body. Whoever has the key knows that the exchange
is ours; a header that anybody else wrote is traffic like any other.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Protocol

from sidelight.config.settings import Settings
from sidelight.events.exchange import Exchange

HEADER = "sidelight-purpose"

MAX_AGE_NS = 300_000_000_000
"""How far the time in the header may be from that of the exchange: an old header is no excuse."""

_FORM = re.compile(
    r"(?P<purpose>[a-z][a-z-]{0,31});t=(?P<time>[0-9]{1,19});mac=(?P<mac>[0-9a-f]{64})"
)


class Verifier(Protocol):
    """Tells our own questions from traffic."""

    def is_ours(self, exchange: Exchange) -> bool: ...


class _TrustNobody:
    def is_ours(self, exchange: Exchange) -> bool:
        return False


TRUST_NOBODY: Verifier = _TrustNobody()
"""Without a key nobody can prove to be Sidelight: all is traffic."""


@dataclass(frozen=True)
class ProbeKey:
    """The secret that explainers and detectors of one deployment share."""

    secret: bytes

    def header(self, purpose: str, body: bytes, time_ns: int) -> str:
        """What to send as `HEADER` with this body."""
        return f"{purpose};t={time_ns};mac={self._mac(purpose, time_ns, _digest(body))}"

    def is_ours(self, exchange: Exchange) -> bool:
        """Whether the exchange was asked by who has the key, with this body, about now."""
        found = _FORM.fullmatch(exchange.purpose)
        body = exchange.request
        if found is None or (body.truncated and not body.sha256):
            return False
        time_ns = int(found["time"])
        if abs(exchange.time_ns - time_ns) > MAX_AGE_NS:
            return False
        digest = body.sha256 if body.truncated else _digest(body.content)
        return hmac.compare_digest(found["mac"], self._mac(found["purpose"], time_ns, digest))

    def _mac(self, purpose: str, time_ns: int, digest: str) -> str:
        told = f"{purpose}\n{time_ns}\n{digest}".encode()
        return hmac.new(self.secret, told, hashlib.sha256).hexdigest()


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def probe_key(settings: Settings) -> ProbeKey | None:
    """The deployment's key, None where there is none."""
    return None
