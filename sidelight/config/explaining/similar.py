"""Similar rows."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from sidelight.config.explaining.deciding import DecidingSettings
from sidelight.config.explaining.method import Modality, Scope


class SimilarSettings(DecidingSettings):
    """Reference rows that are most like the row, and what the model says of them."""

    MODALITIES: ClassVar[tuple[Modality, ...]] = ("tabular",)
    SCOPE: ClassVar[Scope] = "local"

    examples: int = Field(default=5, ge=1, le=1000)
    """Rows returned."""
    decided: Literal["any", "same", "other"] = "any"
    """same, other: only rows that the model decides like the explained one, or differently."""
