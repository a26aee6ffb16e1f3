"""What is in force, setting by setting, with secrets hidden."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from sidelight.config.fields import Key
from sidelight.config.loading import Loaded
from sidelight.config.section import Section

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+(?=@)")


@dataclass(frozen=True)
class InForce:
    """One setting: its value as text (a secret is ``***``), and where it came from."""

    key: Key
    value: str
    origin: str


def in_force(loaded: Loaded) -> Iterator[InForce]:
    """Every setting, in the order of the file."""
    for key, value in _leaves(loaded.settings, ()):
        yield InForce(key, shown(value), loaded.origin(key))


def shown(value: Any) -> str:
    """The value as text, without passwords in addresses."""
    if isinstance(value, SecretStr):
        return "***"
    is_plain = isinstance(value, Path) or (isinstance(value, str) and value)
    text = str(value) if is_plain else json.dumps(value, default=str)
    return _CREDENTIALS.sub("***", text)


def _leaves(value: Any, key: Key) -> Iterator[tuple[Key, Any]]:
    if not isinstance(value, Section | dict):
        yield key, value
        return
    for name, inner in value.items() if isinstance(value, dict) else value:
        yield from _leaves(inner, (*key, name))
