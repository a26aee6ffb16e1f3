"""Which model a request of OpenAI's form asks: it names it in its body, not in its path."""

from __future__ import annotations

import orjson

_LONGEST = 256
"""A longer text is no model's name."""


def asked_model(body: bytes) -> str:
    """The `model` of a JSON object; empty when the body is none, or was cut or compressed."""
    if b'"model"' not in body:
        return ""
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    model = asked.get("model") if isinstance(asked, dict) else None
    return model if isinstance(model, str) and len(model) <= _LONGEST else ""
