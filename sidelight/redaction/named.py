"""Columns that stand under their own name in JSON objects, and values at JSON paths."""

from __future__ import annotations

from typing import Any

from sidelight.redaction.changes import leaves
from sidelight.redaction.reasons import Unredactable
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


def redact_paths(document: Any, rules: Rules) -> None:
    """Leave out what stands at the paths; in a list null takes its place."""
    found = [match for path in rules.paths for match in path.finditer(document)]
    for match in found:
        if match.parent is None:
            raise Unredactable("form", "a path is about the whole body")
        holder, last = match.parent.obj, match.parts[-1]
        if type(holder) is list:
            holder[last] = None
        else:
            holder.pop(last, None)
