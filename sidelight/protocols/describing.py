"""What the bodies of a joined exchange tell: protocol, model and version."""

from __future__ import annotations

from dataclasses import replace

from sidelight.events.exchange import Exchange
from sidelight.events.halves import Half
from sidelight.protocols.forms import UNKNOWN, Form, request_form, response_form

EXPLAINER = "explainer"
"""KServe's component whose calls look like predictions and are none."""


def described(exchange: Exchange, *halves: Half) -> Exchange:
    """The exchange with what its sender left out, as far as the bodies tell it.

    What the halves say of themselves comes first. A protocol on which the sides do not agree is
    left empty, and so the exchange is not scored.
    """
    if exchange.protocol or exchange.extensions.get("component") == EXPLAINER:
        return exchange
    asked = request_form(exchange.request) if exchange.request.content else UNKNOWN
    answered = response_form(exchange.response) if exchange.response.content else UNKNOWN
    spoken = {form.protocol for form in _there(exchange, asked, answered)}
    is_named = any("modelname" in half.event.extensions for half in halves)
    return replace(
        exchange,
        protocol=spoken.pop() if len(spoken) == 1 else "",
        model=exchange.model if is_named else answered.model or exchange.model,
        version=exchange.version or answered.version,
    )


def _there(exchange: Exchange, asked: Form, answered: Form) -> tuple[Form, ...]:
    match exchange.outcome:
        case "unanswered":
            return (asked,)
        case "unasked":
            return (answered,)
    return (asked, answered)
