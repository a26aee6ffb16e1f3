"""Says in one line each what is wrong with a configuration: key, value, what is expected."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from sidelight.config.fields import Key, dotted, is_secret, neighbours, rows

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


@dataclass(frozen=True)
class Refusal:
    """What is wrong with the setting at `key`; `message` names it."""

    key: Key
    message: str


def refusals(error: ValidationError, written: Collection[Key]) -> list[Refusal]:
    """The error's parts, one for each key that somebody wrote."""
    found: dict[Key, Refusal] = {}
    for detail in error.errors(include_url=False):
        key = _written(tuple(str(part) for part in detail["loc"]), detail, written)
        found.setdefault(key, Refusal(key, _message(key, detail)))
    return list(found.values())


def _written(key: Key, detail: ErrorDetails, written: Collection[Key]) -> Key:
    """Without the branches of unions and places in lists that pydantic adds."""
    if detail["type"] == "missing":
        return key
    above = (key[:length] for length in range(len(key), 0, -1))
    return next((one for one in above if one in written), key)


def _message(key: Key, detail: ErrorDetails) -> str:
    name = dotted(key)
    if detail["type"] == "extra_forbidden":
        return f"{name}: there is no such setting{_way_out(key)}"
    if detail["type"] == "missing":
        return f"{name} is missing"
    if detail["type"] == "value_error":
        return f"{name}: {detail['ctx']['error']}"
    return f"{name} is {_shown(key, detail['input'])}; {_expected(detail)}"


def _shown(key: Key, value: Any) -> str:
    if is_secret(key):
        return "a secret of the wrong kind"
    return "a table" if isinstance(value, dict) else repr(value)


def _expected(detail: ErrorDetails) -> str:
    if detail["type"] in ("model_type", "dict_type"):
        return "expected settings as 'key: value'"
    if detail["type"] == "tuple_type":
        return "it should be a list, as [a, b]"
    return detail["msg"].replace("Input should be", "it should be")


def _way_out(key: Key) -> str:
    """The nearest valid key: beside it, else one of that name anywhere."""
    beside = {other[-1]: other for other in neighbours(key)}
    near = difflib.get_close_matches(key[-1].lower(), beside, n=1)
    if near:
        return f"; did you mean {dotted(beside[near[0]])}?"
    elsewhere = [row.key for row in rows() if row.key[-1] == key[-1]]
    if elsewhere:
        return f"; did you mean {dotted(elsewhere[0])}?"
    return f"; there are {', '.join(sorted(beside))}" if beside else ""
