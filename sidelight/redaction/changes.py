"""What becomes of one value: dropped, hashed, put into a bucket, or masked."""

from __future__ import annotations

import base64
import binascii
import hmac
import math
import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from sidelight.config.capturing.redact import ColumnRule

MASK = "***"

Change = Callable[[Any], Any]
"""From a number, a text, bytes or a truth value to what is kept of it; None where nothing is."""

_NUMBER_BYTES = 6
"""A hashed number has 48 bits: a double holds it exactly."""
_TEXT_DIGITS = 32
_EXACT = 2.0**52
"""Beyond so many widths from zero a double's own steps are no finer than the bucket."""


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """What a rule makes of a column; `drops` where the column itself can be left out."""

    drops: bool
    change: Change


def change_of(name: str, rule: ColumnRule, key: bytes) -> ColumnChange:
    """The rule of the column `name`, which is a part of what is hashed."""
    if rule.action == "hash":
        return ColumnChange(False, partial(_hashed, key, name.encode()))
    if rule.action == "bucket":
        return ColumnChange(False, _bucket(rule))
    if rule.action == "mask":
        return ColumnChange(False, partial(_masked, re.compile(rule.pattern or "")))
    return ColumnChange(True, _dropped)


def leaves(value: Any, change: Change) -> Any:
    """The change made to each element of a list of any depth; an object counts as its JSON text."""
    if value is None:
        return None
    if type(value) is list:
        return [leaves(item, change) for item in value]
    if type(value) is dict:
        if value.keys() == {"b64"} and type(value["b64"]) is str:
            return {"b64": in_base64(value["b64"], change)}
        return change(orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode())
    return change(value)


def in_base64(text: Any, change: Change) -> str | None:
    """The change made to the bytes that base64 stands for; None where it is no base64."""
    try:
        kept = change(binascii.a2b_base64(text))
    except (ValueError, TypeError):
        return None
    content = kept.encode() if isinstance(kept, str) else kept
    return None if content is None else base64.b64encode(content).decode()


def text_of(value: Any) -> str:
    """The same text for the same number, however it was sent: 42, 42.0."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _dropped(value: Any) -> None:
    return None


def _hashed(key: bytes, name: bytes, value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    content = value if isinstance(value, bytes) else text_of(value).encode(errors="surrogatepass")
    digest = hmac.digest(key, name + b"\0" + content, "sha256")
    if isinstance(value, str | bytes):
        return digest.hex()[:_TEXT_DIGITS]
    number = int.from_bytes(digest[:_NUMBER_BYTES])
    return float(number) if isinstance(value, float) else number


def _bucket(rule: ColumnRule) -> Change:
    return partial(_between, rule.edges) if rule.edges else partial(_rounded, rule.width or 1.0)


def _rounded(width: float, value: Any) -> float | None:
    if not _is_number(value) or abs(value) >= _EXACT * width:
        return None
    return float((math.floor(value / width) + 0.5) * width)


def _between(edges: tuple[float, ...], value: Any) -> float | None:
    """The middle; below and above all edges, as far beyond the edge as its neighbour is inside."""
    if not _is_number(value):
        return None
    at = bisect_right(edges, value)
    if at == 0:
        return edges[0] - (edges[1] - edges[0]) / 2
    if at == len(edges):
        return edges[-1] + (edges[-1] - edges[-2]) / 2
    return (edges[at - 1] + edges[at]) / 2


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and type(value) is not bool and math.isfinite(value)


def _masked(pattern: re.Pattern[str], value: Any) -> Any:
    if isinstance(value, bytes):
        return _masked_bytes(pattern, value)
    if isinstance(value, str):
        return pattern.sub(MASK, value)
    return None if pattern.search(text_of(value)) else value


def _masked_bytes(pattern: re.Pattern[str], value: bytes) -> bytes | None:
    try:
        return pattern.sub(MASK, value.decode()).encode()
    except UnicodeDecodeError:
        return None
