"""What is kept of an exchange, and what never reaches the disk."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sidelight.config.capturing.kept import CaptureSettings
from sidelight.events.exchange import Body, Exchange
from sidelight.events.sampling import share_of
from sidelight.protocols.limits import DEFAULT_LIMITS, Limits
from sidelight.protocols.routes import route
from sidelight.redaction import Rules, Unredactable, redacted
from sidelight.redaction.bodies import is_json
from sidelight.redaction.texts import masked, masked_values
from sidelight.values import value
from sidelight_logger.metrics.recorder import LEVEL, SAMPLED

NEVER = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
"""Header fields that are never kept, whatever the configuration says."""

Mode = Literal["all", "request", "response"]

_TEXTS = (
    "method",
    "path",
    "model",
    "version",
    "correlation_id",
    "traceparent",
    "tracestate",
    "purpose",
)
"""What a client or a server can fill as it likes, beside the bodies."""
_FORMS = {
    "purpose": re.compile(r"[a-z]+;t=[0-9]{19};mac=[0-9a-f]{64}"),
    "traceparent": re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"),
}


@value()
class Kept:
    """What may be written: nothing where `left_out` says why.

    `withheld` are the sides (``request``, ``response``) whose body a rule could not be applied to,
    each with the reason.
    """

    exchange: Exchange | None
    left_out: str = ""
    withheld: tuple[tuple[str, str], ...] = ()


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
        request, answer = _request(exchange, one), _response(exchange, one)
        told = (("request", request[1]), ("response", answer[1]))
        kept = replace(exchange, request=request[0], response=answer[0])
        if one.rules.patterns:
            kept = _masked(kept, one.rules)
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
            return replace(exchange, outcome=outcome, response=_away(exchange.response))
        if self.mode == "response":
            return replace(exchange, request=_away(exchange.request))
        return exchange


def policy(mode: Mode, headers: tuple[str, ...], secret: tuple[str, ...]) -> Policy:
    """One policy for all models, from names in any case."""
    lower = frozenset(name.lower() for name in headers)
    never = NEVER | {name.lower() for name in secret}
    return Policy(mode, lower, {}, ModelPolicy(secret=never))


def _request(exchange: Exchange, one: ModelPolicy) -> tuple[Body, str]:
    """With the hash of the whole where that has to prove who asked."""
    body, reason = _body(exchange, exchange.request, "inputs", one)
    return (
        replace(body, sha256=exchange.request.sha256) if exchange.purpose else body,
        reason,
    )


def _response(exchange: Exchange, one: ModelPolicy) -> tuple[Body, str]:
    return _body(exchange, exchange.response, "outputs", one)


def _body(exchange: Exchange, body: Body, side: str, one: ModelPolicy) -> tuple[Body, str]:
    """What may be kept of it, and why a rule could not be applied."""
    if not body.size and not body.content:
        return body, ""
    if one.capture.level == "metadata":
        return _told(body, hashed=not one.rules.touch_bodies), ""
    protocol = _protocol(exchange, one.rules)
    broken_off = exchange.outcome != "answered" and not is_json(body)
    if one.rules.touch_bodies and not protocol and broken_off:
        # A text that broke off may end within what a pattern is about.
        body = replace(body, truncated=True)
    try:
        kept = redacted(body, protocol, side, one.rules, one.limits)
    except Unredactable as exc:
        return _told(body, hashed=False), exc.reason
    limit = one.capture.max_body
    return (kept, "") if limit is None or len(kept.content) <= limit else (_cut(kept, limit), "")


def _protocol(exchange: Exchange, rules: Rules) -> str:
    """Empty where the answer holds something else than rows: explanations, generated text."""
    needs_rows = rules.touch_columns or exchange.protocol == "grpc"
    if not (needs_rows and exchange.path):  # foreign loggers tell no path
        return exchange.protocol
    return exchange.protocol if route(exchange.method, exchange.path).verb == "infer" else ""


def _cut(body: Body, limit: int) -> Body:
    whole = body.sha256 or ("" if body.truncated else hashlib.sha256(body.content).hexdigest())
    return replace(body, content=body.content[:limit], truncated=True, sha256=whole)


def _told(body: Body, *, hashed: bool) -> Body:
    """Without the content; its hash would let a value that must not be kept be tried out."""
    known = hashed and body.content and not body.truncated
    whole = body.sha256 or (hashlib.sha256(body.content).hexdigest() if known else "")
    return replace(_away(body), sha256=whole if hashed else "")


def _away(body: Body) -> Body:
    """What is told of a body that is not kept."""
    return replace(body, content=b"", truncated=False)


def _masked(exchange: Exchange, rules: Rules) -> Exchange:
    patterns = rules.patterns
    told: dict[str, str] = {name: getattr(exchange, name) for name in _TEXTS}
    texts: dict[str, Any] = {
        name: text if _is_own_form(name, text) else masked(text, patterns)
        for name, text in told.items()
    }
    return replace(
        exchange,
        **texts,
        request=_of_masked_type(exchange.request, rules),
        response=_of_masked_type(exchange.response, rules),
        headers=masked_values(exchange.headers, patterns),
        extensions={name: masked(text, patterns) for name, text in exchange.extensions.items()},
    )


def _is_own_form(name: str, text: str) -> bool:
    """Random digits that others must find again are no text of anybody's."""
    form = _FORMS.get(name)
    return form is not None and form.fullmatch(text) is not None


def _of_masked_type(body: Body, rules: Rules) -> Body:
    return replace(
        body,
        content_type=masked(body.content_type, rules.patterns),
        content_encoding=masked(body.content_encoding, rules.patterns),
    )
