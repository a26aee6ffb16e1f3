"""Where values come from: flags, environment and file, each as a flat layer of settings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_origin

from sidelight.config.document import Entry, scalar
from sidelight.config.fields import (
    LOG_URL,
    Key,
    annotation_at,
    is_place,
    key_of,
    section_at,
    takes_text,
)

Flags = Mapping[str, Any] | Mapping[Key, Any]

PREFIX = "SIDELIGHT_"
CONFIG_VARIABLE = "SIDELIGHT_CONFIG"
"""Names the configuration file."""
BROKER_VARIABLE = "SIDELIGHT_KAFKA"
"""Names a broker that runs already, for the demo and the tests."""
_NO_SETTINGS = {CONFIG_VARIABLE, BROKER_VARIABLE, "SIDELIGHT_REQUIRE_KAFKA"}
"""Every other variable that begins so is a setting."""

# What Kubernetes puts into every container for a Service named sidelight or sidelight-logger.
_KUBERNETES = re.compile(r"_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)$")


@dataclass(frozen=True)
class Layer:
    """Settings by key, no sections among them, and the origin of each and of the keys above."""

    values: Mapping[Key, Any] = field(default_factory=dict)
    origins: Mapping[Key, str] = field(default_factory=dict)


def merged(layers: Iterable[Layer]) -> Layer:
    """The layers over each other, the last on top. A value replaces what stood at or under it."""
    values: dict[Key, Any] = {}
    origins: dict[Key, str] = {}
    for layer in layers:
        for key, value in layer.values.items():
            _put(values, key, value)
        origins.update(layer.origins)
    return Layer(values, origins)


def nested(values: Mapping[Key, Any]) -> dict[str, Any]:
    """The settings as a tree, as the file has them."""
    root: dict[str, Any] = {}
    for key, value in values.items():
        node = root
        for part in key[:-1]:
            node = node.setdefault(part, {})
        node[key[-1]] = value
    return root


def from_file(entries: Iterable[Entry], path: Path) -> Layer:
    """The file's settings; a relative path in it is relative to it."""
    values: dict[Key, Any] = {}
    origins: dict[Key, str] = {}
    for entry in entries:
        key = _long_form(entry.key, entry.value)
        origins[key] = f"{path}:{entry.line}"
        if entry.is_leaf:
            named = entry.is_empty and section_at(key) is not None
            values[key] = {} if named else _beside(path, key, entry.value)
    return Layer(values, origins)


def from_environment(environ: Mapping[str, str], known: Iterable[Key]) -> Layer:
    """Variables like ``SIDELIGHT_LOGGER__LISTEN``.

    A name chosen in the file (`known` keys: of a model, a feature) is found in any case, with
    ``_`` for what a variable cannot hold.
    """
    known = tuple(known)
    layers = []
    for name in sorted(environ):
        if name.startswith(PREFIX) and not _is_other(name):
            key = _spelt_as_known(tuple(name.removeprefix(PREFIX).split("__")), known)
            value = environ[name] if takes_text(key) else scalar(environ[name])
            layers.append(_single(key, value, f"environment {name}"))
    return merged(layers)


def _is_other(name: str) -> bool:
    return name in _NO_SETTINGS or bool(_KUBERNETES.search(name))


def from_flags(flags: Flags) -> Layer:
    """Flags by key, dotted or as a tuple; None means that the flag was not given."""
    given = ((key_of(name), value) for name, value in flags.items() if value is not None)
    return merged(_single(key, value, "flag") for key, value in given)


def _single(key: Key, value: Any, origin: str) -> Layer:
    key = _long_form(key, value)
    return Layer({key: value}, {key: origin})


def _put(values: dict[Key, Any], key: Key, value: Any) -> None:
    below = [other for other in values if len(other) > len(key) and other[: len(key)] == key]
    if value == {} and below:
        return
    above = [key[:length] for length in range(1, len(key)) if key[:length] in values]
    for other in (*below, *above):
        del values[other]
    values[key] = value


def _long_form(key: Key, value: Any) -> Key:
    """``log: sidelight.db`` means ``log: {url: sidelight.db}``."""
    return LOG_URL if key == LOG_URL[:1] and isinstance(value, str) else key


def _beside(file: Path, key: Key, value: Any) -> Any:
    if not isinstance(value, str) or "://" in value or not is_place(key):
        return value
    return str(file.parent / Path(value).expanduser())


def _spelt_as_known(parts: Key, known: tuple[Key, ...]) -> Key:
    key: Key = ()
    for part in parts:
        chosen = get_origin(annotation_at(key)) is dict
        names = {other[len(key)] for other in known if _is_under(other, key)} if chosen else set()
        same = (name for name in sorted(names) if _plain(name) == part.lower())
        key = (*key, next(same, part.lower()))
    return key


def _is_under(key: Key, above: Key) -> bool:
    return len(key) > len(above) and key[: len(above)] == above


def _plain(name: str) -> str:
    return re.sub(r"\W", "_", name).lower()
