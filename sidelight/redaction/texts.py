"""Patterns: what matches becomes ``***`` in every text of a JSON value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sidelight.errors import ConfigError
from sidelight.redaction.changes import MASK, in_base64

Patterns = tuple[re.Pattern[str], ...]

_SILENT = frozenset({float, bool, type(None)})
_LONG = 2.0**63
"""Whole numbers of so many digits are doubles to whoever parses JSON."""
_WORDS = frozenset(
    (
        *("b64", "instances", "predictions", "inputs", "outputs", "parameters"),
        *("id", "model_name", "model_version"),
        *("name", "shape", "datatype", "data", "binary_data_size"),
    )
)
"""Keys that are the protocols' own: without them nobody could read the rest."""


def compiled_pattern(text: str) -> re.Pattern[str]:
    """A regular expression; raises `ConfigError`."""
    try:
        return re.compile(text)
    except re.error as exc:
        raise ConfigError(f"{text!r} is no regular expression ({exc})") from exc


def masked(text: str, patterns: Patterns) -> str:
    for pattern in patterns:
        text = pattern.sub(MASK, text)
    return text


def masked_values(fields: Mapping[str, str], patterns: Patterns) -> dict[str, str]:
    return {masked(name, patterns): masked(text, patterns) for name, text in fields.items()}


def masked_tree(node: Any, patterns: Patterns) -> Any:
    """The value with its texts and keys masked; a whole number that matches becomes null."""
    kind = type(node)
    if kind is str:
        return masked(node, patterns)
    if kind is int:
        return None if _matches(str(node), patterns) else node
    if kind is float:
        return None if abs(node) >= _LONG and _matches(f"{node:.0f}", patterns) else node
    if kind is dict:
        if node.keys() == {"b64"} and type(node["b64"]) is str:
            return {"b64": in_base64(node["b64"], lambda cell: masked_cell(cell, patterns))}
        kept = (key if key in _WORDS else masked(key, patterns) for key in node)
        return dict(zip(kept, (masked_tree(one, patterns) for one in node.values()), strict=True))
    if kind is list and not _is_silent(node):
        return [masked_tree(item, patterns) for item in node]
    return node


def masked_cell(cell: Any, patterns: Patterns) -> Any:
    """An element of a tensor; bytes that are no text stay, since no pattern can match them."""
    if type(cell) is not bytes:
        return masked_tree(cell, patterns)
    try:
        return masked(cell.decode(), patterns).encode()
    except UnicodeDecodeError:
        # What is text but for one byte is text all the same.
        return masked(cell.decode("latin-1"), patterns).encode("latin-1", "replace")


def _is_silent(items: list[Any]) -> bool:
    """Nothing in the list can match."""
    kinds = set(map(type, items))
    if kinds == {float}:
        return not (max(items) >= _LONG or min(items) <= -_LONG)
    return kinds <= _SILENT and not any(type(one) is float and abs(one) >= _LONG for one in items)


def _matches(text: str, patterns: Patterns) -> bool:
    return any(pattern.search(text) for pattern in patterns)
