"""What is kept of the exchanges of one model."""

from __future__ import annotations

from dataclasses import dataclass, field

from sidelight.config.capturing.kept import CaptureSettings
from sidelight.events.exchange import Exchange
from sidelight.protocols.limits import DEFAULT_LIMITS, Limits
from sidelight.redaction import Rules

NEVER = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
"""Header fields that are never kept, whatever the configuration says."""


@dataclass(frozen=True)
class ModelPolicy:
    """Of one model. `secret` are headers that are never kept, lower case; `limits` bound what is
    decoded of a body that rules are about."""

    capture: CaptureSettings = field(default_factory=CaptureSettings)
    rules: Rules = field(default_factory=Rules)
    secret: frozenset[str] = NEVER
    limits: Limits = DEFAULT_LIMITS

    def leaves(self, exchange: Exchange) -> bool:
        """Whether the bodies may be written as they are."""
        if self.capture.level != "full" or self.rules.touch_bodies:
            return False
        limit = self.capture.max_body
        longest = max(len(exchange.request.content), len(exchange.response.content))
        return limit is None or longest <= limit
