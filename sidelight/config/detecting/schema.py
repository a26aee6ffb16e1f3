"""What a row may hold."""

from __future__ import annotations

from pydantic import Field

from sidelight.config.section import Section


class SchemaSettings(Section):
    """Rows that hold what the reference never held."""

    margin: float = Field(default=0.0, ge=0)
    """How far beyond the reference's range a number may lie, as a share of the range's length."""
