"""What is kept of a body: nothing, its size and hash, or what rules and limits leave of it."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from sidelight.events.exchange import Body, Exchange
from sidelight.protocols.routes import route
from sidelight.redaction import Rules, Unredactable, redacted
from sidelight.redaction.bodies import is_json
from sidelight_logger.policy.model import ModelPolicy


def request_of(exchange: Exchange, one: ModelPolicy) -> tuple[Body, str]:
    """With the hash of the whole where that has to prove who asked."""
    body, reason = _body(exchange, exchange.request, "inputs", one)
    return (
        replace(body, sha256=exchange.request.sha256) if exchange.purpose else body,
        reason,
    )


def response_of(exchange: Exchange, one: ModelPolicy) -> tuple[Body, str]:
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
    return replace(away(body), sha256=whole if hashed else "")


def away(body: Body) -> Body:
    """What is told of a body that is not kept."""
    return replace(body, content=b"", truncated=False)
