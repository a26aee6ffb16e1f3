"""Options of a method, as they are told on a command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from sidelight.errors import ConfigError


def told_options(pairs: Sequence[str]) -> dict[str, Any]:
    """``KEY=VALUE``, values as in YAML; dots lead into sections."""
    told: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise ConfigError(f"--option {pair!r}: write KEY=VALUE, such as budget=4096")
        _put(told, key.split("."), _value(pair, value))
    return told


def _value(pair: str, value: str) -> Any:
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError as exc:
        raise ConfigError(f"--option {pair!r}: the value is no YAML ({exc})") from exc


def _put(told: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for name in path[:-1]:
        inner = told.setdefault(name, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"--option {'.'.join(path)}: {name!r} has a value already")
        told = inner
    told[path[-1]] = value
