"""A body as one JSON object: parsed, bounded, every key sent once."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from sidelight.errors import DataMismatch, LimitExceeded, MalformedPayload
from sidelight.protocols.limits import Limits


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: ``Place("rows", ".age").at((3, 1))`` is ``rows[3].age[1]``."""

    before: str
    after: str = ""

    def at(self, index: tuple[int, ...]) -> str:
        first, rest = index[:1], index[1:]
        return self.before + _subscripts(first) + self.after + _subscripts(rest)


def _subscripts(index: tuple[int, ...]) -> str:
    return "".join(f"[{position}]" for position in index)


def parse_object(body: bytes, limits: Limits) -> dict[str, Any]:
    """The JSON object in `body`.

    Raises `LimitExceeded` above `Limits.body_bytes`, `MalformedPayload` for anything that is not
    one JSON object, and for a key that an object holds twice: parsers disagree which one counts,
    so a sender could show us other rows than the model.
    """
    refuse_long(body, limits)
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise MalformedPayload(f"is not JSON ({exc}); send UTF-8 JSON", where="body") from exc
    if type(document) is not dict:
        raise MalformedPayload(f"is {told(document)}; send a JSON object", where="body")
    _refuse_repeated_keys(body, document)
    return document


def refuse_long(body: bytes, limits: Limits) -> None:
    """Raise `LimitExceeded` above `Limits.body_bytes`."""
    if len(body) > limits.body_bytes:
        raise LimitExceeded(
            f"{len(body)} bytes, the limit is {limits.body_bytes}; send fewer rows at once",
            where="body",
        )


def refuse_deep(value: Any, where: str, limits: Limits) -> None:
    """Raise `LimitExceeded` when objects and lists in `value` nest deeper than `Limits.depth`."""
    level = [value]
    for _ in range(limits.depth):
        inner: list[Any] = []
        for item in level:
            inner.extend(item.values() if type(item) is dict else item)
        level = [item for item in inner if type(item) in (dict, list)]
        if not level:
            return
    raise LimitExceeded(f"nested deeper than {limits.depth}; send flatter data", where=where)


def write_object(document: dict[str, Any]) -> bytes:
    """The JSON bytes of `document`; numpy arrays become lists, NaN null."""
    try:
        return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    except orjson.JSONEncodeError as exc:
        raise DataMismatch(f"cannot be written as JSON: {exc}; change the values") from exc


def told(value: Any) -> str:
    """A JSON value in a few words, however large it is."""
    if isinstance(value, str):
        return f"the text {value[:40]!r}" + ("..." if len(value) > 40 else "")
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "an object"
    return orjson.dumps(value).decode()


# A JSON string, escapes included; unrolled so that long strings take no step a character.
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')


def _refuse_repeated_keys(body: bytes, document: dict[str, Any]) -> None:
    """Every key is followed by one colon: more colons than keys kept means a key was sent twice.

    The quick count looks only where keys are expected and counts colons in text too; only when it
    does not come out even is it done exactly.
    """
    if body.count(b":") == _keys(document, _starts_with_object):
        return
    if _STRING.sub(b"", body).count(b":") != _keys(document, _holds_containers):
        raise MalformedPayload("an object has the same key twice; send each key once", where="body")


def _keys(document: dict[str, Any], enters: Callable[[list[Any]], bool]) -> int:
    count = 0
    waiting: list[Any] = [document]
    for item in waiting:
        if type(item) is dict:
            count += len(item)
            waiting.extend(item.values())
        elif type(item) is list and item and enters(item):
            waiting.extend(item)
    return count


def _starts_with_object(items: list[Any]) -> bool:
    return type(items[0]) is dict


def _holds_containers(items: list[Any]) -> bool:
    types = set(map(type, items))
    return dict in types or list in types
