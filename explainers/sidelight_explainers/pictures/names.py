"""Features, outputs and values by the names that people give them."""

from __future__ import annotations

import re
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
        return cut(self._entry(name).word(value) or value_words(value))

    def pair(self, name: str, value: Any) -> str:
        """``age = 37``."""
        if value is None:
            return f"{self.column(name)} is missing"
        return f"{self.column(name)} = {self.value(name, value)}"

    def condition(self, name: str, words: str) -> str:
        """``RELP = 16``, ``AGEP > 37`` or ``21 < AGEP <= 42`` in words."""
        value = words.removeprefix(f"{name} = ")
        if value in self._entry(name).values:
            return self.pair(name, value)
        if words == f"{name} is null":
            return self.pair(name, None)
        around = rf"(?<!\S){re.escape(name)}(?!\S)"
        return cut(re.sub(around, lambda _: self.column(name), words, count=1))

    def _entry(self, name: str) -> GlossaryEntry:
        return self.glossary.get(name, _NOTHING)
