"""All that is said of a model's bodies, ready to be applied."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from sidelight.config.capturing.redact import RedactSettings
from sidelight.errors import ConfigError
from sidelight.redaction.changes import ColumnChange, change_of
from sidelight.redaction.keys import read_key
from sidelight.redaction.paths import compiled_path
from sidelight.redaction.texts import compiled_pattern


@dataclass(frozen=True)
class Names:
    """What is known of the columns of one side: its own names in order, and the other side's."""

    own: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @cached_property
    def known(self) -> frozenset[str]:
        return frozenset(map(folded, (*self.own, *self.others)))


@dataclass(frozen=True)
class Rules:
    """Redaction of one model.

    `columns` by folded name; `inputs` and `outputs` are the names of the model's columns in order,
    `wide` those (folded) of which a row has many values: pictures, embeddings. `only_named` leaves
    out what is neither input nor output.
    """

    columns: Mapping[str, ColumnChange] = field(default_factory=dict)
    paths: tuple[Any, ...] = ()
    patterns: tuple[re.Pattern[str], ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    wide: frozenset[str] = frozenset()
    only_named: bool = False

    @property
    def touch_columns(self) -> bool:
        return bool(self.columns) or self.only_named

    @property
    def touch_bodies(self) -> bool:
        return bool(self.columns or self.paths or self.patterns) or self.only_named

    def of(self, name: str) -> ColumnChange | None:
        """The rule of a column, whatever the case in which it was sent."""
        return self.columns.get(folded(name)) if self.columns else None

    def names(self, side: str) -> Names:
        """Of ``inputs`` or ``outputs``."""
        return self._sides[side]

    @cached_property
    def _sides(self) -> Mapping[str, Names]:
        return {
            "inputs": Names(self.inputs, self.outputs),
            "outputs": Names(self.outputs, self.inputs),
        }

    def is_wide(self, name: str) -> bool:
        """Whether more than one value a row is right for it: else it may hold other columns."""
        return folded(name) in self.wide or not self.columns

    def may_be_nameless(self, names: Names) -> bool:
        """Whether values without a name may be of a column that is ruled, or not be wanted."""
        return self.only_named or not self.columns.keys() <= set(map(folded, names.others))


def rules_of(
    settings: Iterable[RedactSettings],
    inputs: tuple[str, ...] = (),
    outputs: tuple[str, ...] = (),
    *,
    wide: Iterable[str] = (),
    only_named: bool = False,
) -> Rules:
    """What all of them say together; of a column the last word counts.

    Raises `ConfigError` for a rule or key that cannot be used.
    """
    told = tuple(settings)
    columns = {
        folded(name): change_of(folded(name), rule, _key(name, one, told))
        for one in told
        for name, rule in one.columns.items()
    }
    paths = tuple(compiled_path(text) for one in told for text in one.paths)
    patterns = tuple(compiled_pattern(text) for one in told for text in one.patterns)
    many = frozenset(map(folded, wide))
    return Rules(columns, paths, patterns, inputs, outputs, many, only_named)


def folded(name: str) -> str:
    """One name for all that only look different: case, width, spaces around it."""
    return _folded(name) if len(name) <= _CACHED_LENGTH else _fold(name)


def _fold(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()


_CACHED_LENGTH = 64
"""Names come from outside: what is remembered of them is bounded."""
_folded = lru_cache(4096)(_fold)


def _key(name: str, one: RedactSettings, told: tuple[RedactSettings, ...]) -> bytes:
    """Its own section's key, else the last one that another section names."""
    if one.columns[name].action != "hash":
        return b""
    files = [section.key_file for section in (*told, one) if section.key_file is not None]
    if not files:
        raise ConfigError(f"column {name!r} is hashed, which needs a key; set key_file")
    return read_key(files[-1])
