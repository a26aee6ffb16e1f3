"""Names and values as people read them, by the model's glossary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sidelight.config.glossary import GlossaryEntry, code_of
from sidelight_dashboard.words.numbers import answer_words, number_words

LONGEST = 200
"""Characters of a value in a table before it is cut."""
MOST_ELEMENTS = 8
"""Numbers of a tensor that are told."""

BLANK = "(blank)"
"""A text in which nothing can be seen."""

_NOTHING = GlossaryEntry()


@dataclass(frozen=True)
class Wording:
    """Where the glossary has no word, the model's own is said."""

    glossary: Mapping[str, GlossaryEntry]

    def column(self, name: str) -> str:
        """``AGEP`` is ``age``."""
        return self._entry(name).name or name

    def value(self, name: str, value: Any) -> str:
        """``1`` of ``SEX`` is ``male``."""
        return self._entry(name).word(value) or value_words(value)

    def coded(self, name: str, value: Any) -> str:
        """The word with the code behind it: ``male (1)``."""
        word = self._entry(name).word(value)
        return value_words(value) if word is None else f"{word} ({code_of(value)})"

    def answered(self, name: str, value: Any) -> str:
        """By the glossary; what the model computed no finer than anybody reads it."""
        return answer_words(value) if is_computed(value) else self.value(name, value)

    def pair(self, name: str, value: Any) -> str:
        """``age = 37``."""
        if value is None:
            return f"{self.column(name)} is missing"
        return f"{self.column(name)} = {self.value(name, value)}"

    def _entry(self, name: str) -> GlossaryEntry:
        return self.glossary.get(name, _NOTHING)


def is_computed(value: Any) -> bool:
    """Whether it is a number that is no code."""
    return isinstance(value, float) and not value.is_integer()


def value_words(value: Any) -> str:
    """A JSON value in a line; what is longer than `LONGEST` is cut."""
    return cut(_words(value)) or BLANK


def cut(text: str, longest: int = LONGEST) -> str:
    """The beginning of a longer text."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def listed(parts: Sequence[str]) -> str:
    """``a, b and c``."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def _words(value: Any) -> str:
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number_words(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_words(one)}" for key, one in list(value.items())[:20])
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _elements(value)
    return str(value)


def _elements(values: Sequence[Any]) -> str:
    told = ", ".join(map(_words, values[:MOST_ELEMENTS]))
    more = len(values) - MOST_ELEMENTS
    return f"{told}, and {more} more" if more > 0 else told
