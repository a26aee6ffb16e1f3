"""Features, outputs and values by the names that people give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sidelight.config.glossary import GlossaryEntry
from sidelight_explainers.pictures.wording import cut, value_words

_NOTHING = GlossaryEntry()


@dataclass(frozen=True)
class Names:
    """Where the glossary has no word, the model's own is said."""

    glossary: Mapping[str, GlossaryEntry]

    def column(self, name: str) -> str:
        """A feature or an output."""
        return cut(self._entry(name).name or name)

    def value(self, name: str, value: Any) -> str:
        """A value of that feature or output."""
        return cut(self._entry(name).values.get(_key(value)) or value_words(value))

    def pair(self, name: str, value: Any) -> str:
        """``age = 37``."""
        if value is None:
            return f"{self.column(name)} is missing"
        return f"{self.column(name)} = {self.value(name, value)}"

    def condition(self, name: str, words: str) -> str:
        """``RELP = 16`` or ``AGEP > 37`` in words."""
        if not words.startswith(name):
            return cut(words)
        rest = words.removeprefix(name)
        _, equals, value = rest.partition(" = ")
        if equals and value in self._entry(name).values:
            return self.pair(name, value)
        return cut(f"{self.column(name)}{rest}")

    def _entry(self, name: str) -> GlossaryEntry:
        return self.glossary.get(name, _NOTHING)


def _key(value: Any) -> str:
    """As in the glossary: the code 16.0 of a numeric column is its 16."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
