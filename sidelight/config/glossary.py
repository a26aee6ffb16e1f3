"""How people call what a model calls by codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator

from sidelight.config.section import Section


class GlossaryEntry(Section):
    """Words for one feature or output and for its values, in pictures and texts of explanations;
    JSON keeps the model's own."""

    name: str | None = Field(default=None, min_length=1, max_length=200)
    """Said instead of the column's name."""
    values: dict[str, str] = Field(default_factory=dict)
    """Said instead of these values: ``{"16": in an institution}``."""

    def word(self, value: Any) -> str | None:
        """What is said instead of the value, if anything."""
        return self.values.get(code_of(value)) or self.values.get(str(value))

    @field_validator("values", mode="before")
    @classmethod
    def _codes_as_text(cls, told: Any) -> Any:
        # YAML reads the code 16 as a number
        return {str(key): one for key, one in told.items()} if isinstance(told, Mapping) else told


def code_of(value: Any) -> str:
    """A value as its code is written: the 16.0 of a numeric column is 16, and true is ``true``."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
