"""JSON as the tables hold it."""

from __future__ import annotations

import zlib
from typing import Any

import orjson


def text(value: Any) -> str:
    """JSON as text, members in one order."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def packed(value: Any) -> bytes:
    """zlib JSON."""
    return zlib.compress(orjson.dumps(value))
