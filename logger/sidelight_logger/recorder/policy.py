"""What is kept of an exchange, and what never reaches the disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from sidelight.events.exchange import Body, Exchange

NEVER = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
"""Header fields that are never kept, whatever the configuration says."""

Mode = Literal["all", "request", "response"]


@dataclass(frozen=True)
class Policy:
    """`headers` are the request headers to keep, `redacted` those never kept; lower case."""

    mode: Mode = "all"
    headers: frozenset[str] = frozenset()
    redacted: frozenset[str] = field(default=NEVER)

    def kept(self, exchange: Exchange) -> Exchange:
        """What may be written of it."""
        exchange = replace(exchange, headers=self._headers(exchange.headers))
        if self.mode == "request":
            # An answer that is not kept must not be taken for an empty one.
            outcome = "unanswered" if exchange.outcome == "answered" else exchange.outcome
            return replace(exchange, outcome=outcome, response=_away(exchange.response))
        if self.mode == "response":
            return replace(exchange, request=_away(exchange.request))
        return exchange

    def _headers(self, fields: Mapping[str, str]) -> dict[str, str]:
        return {name: fields[name] for name in fields if name in self.headers - self.redacted}


def policy(mode: Mode, headers: tuple[str, ...], redacted: tuple[str, ...]) -> Policy:
    """A policy from names in any case."""
    lower = frozenset(name.lower() for name in headers)
    return Policy(mode, lower, NEVER | {name.lower() for name in redacted})


def _away(body: Body) -> Body:
    """What is told of a body that is not kept."""
    return replace(body, content=b"", truncated=False)
