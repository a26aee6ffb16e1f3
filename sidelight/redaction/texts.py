"""Patterns: what matches becomes ``***`` in every text of a JSON value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sidelight.redaction.changes import MASK, in_base64

Patterns = tuple[re.Pattern[str], ...]

_SILENT = frozenset({float, bool, type(None)})


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
    if kind is dict:
        if node.keys() == {"b64"} and type(node["b64"]) is str:
            return {"b64": in_base64(node["b64"], lambda cell: masked_cell(cell, patterns))}
        return {masked(key, patterns): masked_tree(item, patterns) for key, item in node.items()}
    if kind is list and not _SILENT.issuperset(map(type, node)):
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


def _matches(text: str, patterns: Patterns) -> bool:
    return any(pattern.search(text) for pattern in patterns)
