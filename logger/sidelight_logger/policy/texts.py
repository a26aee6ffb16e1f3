"""Patterns in everything of an exchange that is text, beside the bodies."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from sidelight.events.exchange import Body, Exchange
from sidelight.redaction import Rules
from sidelight.redaction.texts import masked, masked_values

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
"""What a client or a server can fill as it likes, beside the bodies. Who captured it, too, where
that was none of ours, which number what they capture."""
_FORMS = {
    "purpose": re.compile(r"[a-z]+;t=[0-9]{19};mac=[0-9a-f]{64}"),
    "traceparent": re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"),
}


def with_texts_masked(exchange: Exchange, rules: Rules) -> Exchange:
    patterns = rules.patterns
    names = _TEXTS if exchange.log_id else (*_TEXTS, "source")
    told: dict[str, str] = {name: getattr(exchange, name) for name in names}
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
