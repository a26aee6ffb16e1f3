"""Writes what the documentation generates: ``python -m docs.reference``.

The table of settings in `configuration.md` and `sidelight.schema.json` come from the models in
`sidelight.config.settings`; a test holds that both are current.
"""

from __future__ import annotations

import types
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from sidelight.config.fields import Key, Row, dotted, rows
from sidelight.config.listing import shown
from sidelight.config.schema import schema_text

DOCS = Path(__file__).parent
PAGE = DOCS / "configuration.md"
SCHEMA = DOCS / "sidelight.schema.json"
BEGIN, END = "<!-- settings: generated -->\n", "<!-- settings: end -->\n"

_WORDS = {
    str: "text",
    SecretStr: "secret text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
    dict: "table",
}
Said = tuple[str, str, str]

METHODS: Key = ("models", "<model>", "explainers")

_SIGNS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}


def page() -> str:
    """`configuration.md` with its table as the settings are now."""
    before, rest = PAGE.read_text().split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + "\n".join(_table()) + "\n" + END + after


def _table() -> Iterator[str]:
    yield "| setting | value | default | |"
    yield "|---|---|---|---|"
    told = [(row.key, (_value(row.field), _default(row), _help(row))) for row in rows()]
    shared = _shared(told)
    seen = set()
    for key, said in told:
        if _is_of_method(key) and shared.get(key[4:]) == said:
            key = (*METHODS, "<method>", *key[4:])
        if key not in seen:
            seen.add(key)
            cells = (f"`{dotted(key)}`", *said)
            yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _shared(told: Sequence[tuple[Key, Said]]) -> dict[Key, Said]:
    """What most methods that have a setting say of it, where at least two say the same."""
    alike = Counter((key[4:], said) for key, said in told if _is_of_method(key))
    return {key: said for (key, said), count in reversed(alike.most_common()) if count > 1}


def _is_of_method(key: Key) -> bool:
    """Whether it is a setting of a method of explaining: most have what they share told once."""
    return key[:3] == METHODS and len(key) > 4


def _help(row: Row) -> str:
    return " ".join((row.field.description or "").replace("``", "`").split())


def _default(row: Row) -> str:
    default = row.field.get_default(call_default_factory=True)
    if default is PydanticUndefined:
        return "required"
    return "none" if default is None else f"`{shown(default)}`"


def _value(field: FieldInfo) -> str:
    limits = [
        f"{sign} {shown(getattr(limit, name))}"
        for limit in field.metadata
        for name, sign in _SIGNS.items()
        if getattr(limit, name, None) is not None
    ]
    return ", ".join([_words(field.annotation), *limits])


def _words(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(_words(one) for one in arguments if one is not type(None))
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in arguments)
    if origin is Annotated:
        return _words(arguments[0])
    if origin is tuple:
        return f"list of {_words(arguments[0])}"
    return _WORDS[get_origin(annotation) or annotation]


def main() -> None:
    PAGE.write_text(page())
    SCHEMA.write_text(schema_text())


if __name__ == "__main__":
    main()
