"""What is kept of an exchange, and what never reaches the disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from sidelight.events.exchange import Exchange
from sidelight.events.sampling import share_of
from sidelight_logger.policy.bodies import away, request_of, response_of
from sidelight_logger.policy.kept import LEVEL, SAMPLED, Kept
from sidelight_logger.policy.model import ModelPolicy
from sidelight_logger.policy.texts import with_texts_masked

Mode = Literal["all", "request", "response"]


@dataclass(frozen=True)
class Policy:
    """`headers` are the request headers to keep, lower case; `models` by name.

    `otherwise` is for requests that name no model, or none of `models`.
    """

    mode: Mode = "all"
    headers: frozenset[str] = frozenset()
    models: Mapping[str, ModelPolicy] = field(default_factory=dict)
    otherwise: ModelPolicy = field(default_factory=ModelPolicy)

    def kept(self, exchange: Exchange) -> Kept:
        """What may be written of it."""
        if not self.is_sampled(exchange):
            return Kept(None, SAMPLED)
        return self.reduced(exchange)

    def is_sampled(self, exchange: Exchange) -> bool:
        """Whether it is of the share that is kept: decided by its id alone."""
        capture = self._of(exchange).capture
        is_answer = exchange.outcome == "answered" and 0 < exchange.status < 400
        share = capture.sample if is_answer else capture.sample_errors
        if share >= 1:
            return True
        by_client = capture.sample_by == "correlation" and exchange.correlation_id
        return share_of(by_client or exchange.id) < share

    def reduced(self, exchange: Exchange) -> Kept:
        """What may be written of one that is sampled."""
        one = self._of(exchange)
        if one.capture.level == "none":
            return Kept(None, LEVEL)
        if exchange.headers:
            exchange = replace(exchange, headers=self._headers(exchange.headers, one))
        exchange = self._in_mode(exchange)
        if one.leaves(exchange):
            return Kept(exchange)
        request, answer = request_of(exchange, one), response_of(exchange, one)
        told = (("request", request[1]), ("response", answer[1]))
        kept = replace(exchange, request=request[0], response=answer[0])
        if one.rules.patterns:
            kept = with_texts_masked(kept, one.rules)
        return Kept(kept, "", tuple((side, reason) for side, reason in told if reason))

    def _of(self, exchange: Exchange) -> ModelPolicy:
        return self.models.get(exchange.model, self.otherwise)

    def _headers(self, fields: Mapping[str, str], one: ModelPolicy) -> dict[str, str]:
        wanted = self.headers - one.secret
        return {name: fields[name] for name in fields if name in wanted}

    def _in_mode(self, exchange: Exchange) -> Exchange:
        if self.mode == "request":
            # An answer that is not kept must not be taken for an empty one.
            outcome = "unanswered" if exchange.outcome == "answered" else exchange.outcome
            return replace(exchange, outcome=outcome, response=away(exchange.response))
        if self.mode == "response":
            return replace(exchange, request=away(exchange.request))
        return exchange
