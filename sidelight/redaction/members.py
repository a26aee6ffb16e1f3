"""Columns that stand under their own name in JSON objects."""

from __future__ import annotations

from typing import Any

from sidelight.redaction.changes import leaves
from sidelight.redaction.rules import Rules

_NESTED = frozenset({dict, list})


def redact_named(node: Any, rules: Rules) -> None:
    """Apply the rules to every member of that name, however deep it stands, in place."""
    if type(node) is dict:
        for name in list(node):
            redact_member(node, name, rules)
    elif type(node) is list and not _NESTED.isdisjoint(map(type, node)):
        for item in node:
            redact_named(item, rules)


def redact_member(node: dict[str, Any], name: str, rules: Rules) -> None:
    """Apply the rules to one member, and to what it holds."""
    rule = rules.of(name)
    if rule is None:
        redact_named(node[name], rules)
    elif rule.drops:
        del node[name]
    else:
        node[name] = leaves(node[name], rule.change)
