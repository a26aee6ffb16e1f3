"""JSON answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import Response


def json_answer(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """The value as JSON; NaN and infinities are null."""
    return Response(orjson.dumps(value), status, headers, "application/json")
