"""What the file may hold: the settings as a tree of keys, read off the models in `settings`."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from sidelight.config.section import Section
from sidelight.config.settings import Settings

Key = tuple[str, ...]
"""Where a setting stands: ``("models", "income", "reference")``."""

LOG_URL: Key = ("log", "url")
SPOOL: Key = ("logger", "spool")


def dotted(key: Key) -> str:
    return ".".join(key)


def key_of(path: str | Key) -> Key:
    """The key of ``logger.listen``; a tuple stays, for a name that holds a dot."""
    return tuple(path.split(".")) if isinstance(path, str) else path


def annotation_at(key: Key) -> Any | None:
    """The type of the setting or section at `key`; None when there is no such key."""
    current: Any = Settings
    for part in key:
        current = next(filter(None, (_inside(option, part) for option in _options(current))), None)
        if current is None:
            return None
    return current


def section_at(key: Key) -> type[Section] | None:
    """The section at `key`; None when a plain setting, a table of names or nothing is there."""
    sections = (option for option in _options(annotation_at(key)) if _is_section(option))
    return next(sections, None)


def takes_text(key: Key) -> bool:
    """True when every value of the setting is text, so that ``8080`` or ``yes`` must stay text."""
    options = [option for option in _options(annotation_at(key)) if option is not type(None)]
    return bool(options) and all(_is_text(option) for option in options)


def is_place(key: Key) -> bool:
    """True for a setting that names a file or folder."""
    return key == LOG_URL or Path in _options(annotation_at(key))


def is_secret(key: Key) -> bool:
    return SecretStr in _options(annotation_at(key))


def neighbours(key: Key) -> list[Key]:
    """All keys that are valid beside `key`; empty beside names that the user chooses."""
    section = section_at(key[:-1])
    return [(*key[:-1], name) for name in section.model_fields] if section else []


@dataclass(frozen=True)
class Row:
    """One setting as the reference page shows it; names the user chooses stand as ``<model>``."""

    key: Key
    field: FieldInfo


def rows(section: type[Section] = Settings, above: Key = ()) -> Iterator[Row]:
    """Every setting, in the order of the file."""
    for name, field in section.model_fields.items():
        key = (*above, name)
        inner, placeholder = _table_of(field.annotation, name)
        if inner is None:
            yield Row(key, field)
        else:
            yield from rows(inner, (*key, *placeholder))


def _table_of(annotation: Any, name: str) -> tuple[type[Section] | None, Key]:
    """The section inside, and the placeholder of a chosen name in between (or nothing)."""
    for option in _options(annotation):
        if _is_section(option):
            return option, ()
        if get_origin(option) is dict:
            inner = next(filter(_is_section, _options(get_args(option)[1])), None)
            return inner, (f"<{name.removesuffix('s')}>",)
    return None, ()


def _options(annotation: Any) -> list[Any]:
    """The alternatives of a type, without what is annotated to them."""
    if get_origin(annotation) is Annotated:
        return _options(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [option for part in get_args(annotation) for option in _options(part)]
    return [annotation]


def _inside(annotation: Any, part: str) -> Any | None:
    if get_origin(annotation) is dict:
        return get_args(annotation)[1]
    if _is_section(annotation) and part in annotation.model_fields:
        return annotation.model_fields[part].annotation
    return None


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Section)


def _is_text(annotation: Any) -> bool:
    if get_origin(annotation) is Literal:
        return all(isinstance(value, str) for value in get_args(annotation))
    return annotation in (str, SecretStr, Path)
