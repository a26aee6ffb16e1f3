"""Columns in V1 documents: rows of objects, of lists and of single values, and lists by name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sidelight.redaction.changes import ColumnChange, leaves
from sidelight.redaction.members import redact_member, redact_named
from sidelight.redaction.reasons import Unredactable
from sidelight.redaction.rules import Names, Rules, folded

_ROWS = ("instances", "inputs", "predictions", "outputs")


def redact_v1(document: dict[str, Any], names: Names, rules: Rules) -> dict[str, Any]:
    """The document under the rules of columns; raises `Unredactable`."""
    if not any(key in document for key in _ROWS):
        raise Unredactable("form", f"none of {', '.join(_ROWS)} is there")
    for key in list(document):
        if key in _ROWS:
            document[key] = _rows(document[key], key, names, rules)
        elif rules.only_named:
            del document[key]
        else:
            redact_member(document, key, rules)
    return document


def _rows(rows: Any, key: str, names: Names, rules: Rules) -> Any:
    if type(rows) is dict:
        return _object(rows, names, rules)
    if type(rows) is not list:
        raise Unredactable("form", f"{key} is no list of rows")
    ruled = [(at, rule) for at, name in enumerate(names.own) if (rule := rules.of(name))]
    return [
        _side_by_side(row, ruled, rules)
        if type(row) is list and 1 < len(row) == len(names.own)
        else _row(row, key, names, rules)
        for row in rows
    ]


def _side_by_side(row: list[Any], ruled: Sequence[tuple[int, ColumnChange]], rules: Rules) -> Any:
    redact_named(row, rules)
    for at, rule in ruled:
        row[at] = leaves(row[at], rule.change)
    gone = {at for at, rule in ruled if rule.drops}
    return [item for at, item in enumerate(row) if at not in gone] if gone else row


def _row(row: Any, key: str, names: Names, rules: Rules) -> Any:
    if type(row) is dict and row.keys() != {"b64"}:
        return _object(row, names, rules)
    if len(names.own) == 1:
        return _value(row, names.own[0], rules)
    if rules.of(key):
        return _value(row, key, rules)
    if rules.may_be_nameless(names):
        raise Unredactable("columns", f"{key} has values without names; declare the features")
    return row


def _object(row: dict[str, Any], names: Names, rules: Rules) -> dict[str, Any]:
    if rules.only_named:
        row = _reduced(row, names.known)
    elif _is_foreign(row, names) and rules.may_be_nameless(names):
        raise Unredactable("columns", "a row has none of the model's columns")
    redact_named(row, rules)
    return row


def _is_foreign(row: dict[str, Any], names: Names) -> bool:
    """Columns are declared, and the row has none: it may say their names in another way."""
    return bool(names.own and row) and names.known.isdisjoint(map(folded, row))


def _reduced(row: dict[str, Any], known: Collection[str]) -> dict[str, Any]:
    kept = {name: item for name, item in row.items() if folded(name) in known}
    if not kept:
        raise Unredactable("columns", "a row has none of the model's columns")
    return kept


def _value(value: Any, name: str, rules: Rules) -> Any:
    rule = rules.of(name)
    if rule is not None:
        return leaves(value, rule.change)
    redact_named(value, rules)
    return value
