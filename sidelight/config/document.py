"""The YAML file as keys with line numbers; nothing but plain data is ever built from it.

Scalars are read by YAML 1.2's core rules, so that ``no``, ``12:30`` and ``01234`` stay text and
``1e3`` is a number. (By YAML 1.1's, the category ``NO`` would become False.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sidelight.config.fields import Key, dotted
from sidelight.errors import ConfigError

_DEEPEST = 32


@dataclass(frozen=True)
class Entry:
    """One key of the file: a value (`is_leaf`), or a mapping whose keys follow.

    `is_empty`: nothing stands after the colon, which is not the same as ``null``.
    """

    key: Key
    line: int
    value: Any = None
    is_leaf: bool = True
    is_empty: bool = False


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with YAML 1.2's scalars."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own form


for _tag, _pattern, _begins in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+", list("-+0123456789")),
    ("float", r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?", None),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", list("-+.")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}",
        re.compile(f"(?:{_pattern})$"),
        list("-+.0123456789") if _begins is None else _begins,
    )


def scalar(text: str) -> Any:
    """A value as the file would hold it; the text itself when it is no YAML."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError:
        return text


def read(path: Path) -> list[Entry]:
    """The keys of the file, each before those inside it; `ConfigError` names file and line."""
    try:
        loader = _Loader(path.read_text(encoding="utf-8"))
        node = loader.get_single_node()
        return [] if node is None else list(_walk(loader, node, (), path))
    except OSError as exc:
        raise ConfigError(f"{path}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path}: byte {exc.start} is not UTF-8 text") from exc
    except yaml.reader.ReaderError as exc:
        raise ConfigError(f"{path}: character {exc.position}: {exc.reason}") from exc
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else 1
        raise ConfigError(f"{path}:{line}: not YAML: {exc.problem}") from exc


def _walk(loader: _Loader, node: yaml.Node, above: Key, path: Path) -> Iterator[Entry]:
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError(f"{path}:{_line(node)}: expected settings as 'key: value'")
    if len(above) > _DEEPEST:
        raise ConfigError(f"{path}:{_line(node)}: nests deeper than {_DEEPEST} levels")
    for name, (line, value) in _pairs(loader, node, above, path).items():
        key = (*above, name)
        if isinstance(value, yaml.MappingNode) and value.value:
            yield Entry(key, line, is_leaf=False)
            yield from _walk(loader, value, key, path)
        else:
            is_empty = isinstance(value, yaml.ScalarNode) and value.value == "" and not value.style
            yield Entry(key, line, loader.construct_object(value, deep=True), is_empty=is_empty)


def _pairs(
    loader: _Loader, node: yaml.MappingNode, above: Key, path: Path
) -> dict[str, tuple[int, yaml.Node]]:
    """The mapping's own keys, each once, over those it merges in by ``<<``."""
    lines: dict[str, int] = {}
    for name, _ in node.value:
        if not isinstance(name, yaml.ScalarNode):
            raise ConfigError(f"{path}:{_line(name)}: a key must be a plain name")
        if lines.setdefault(name.value, _line(name)) != _line(name):
            twice = dotted((*above, name.value))
            raise ConfigError(
                f"{path}:{_line(name)}: {twice} is set twice, first in line {lines[name.value]}"
            )
    merged = yaml.MappingNode(node.tag, list(node.value), node.start_mark, node.end_mark)
    loader.flatten_mapping(merged)
    return {name.value: (_line(name), value) for name, value in merged.value}


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
