"""RISE."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from sidelight.config.explaining.method import MethodSettings, Modality, Scope
from sidelight.config.explaining.players import PictureSettings


class RiseSettings(MethodSettings):
    """Which pixels the output needs, from many random masks."""

    MODALITIES: ClassVar[tuple[Modality, ...]] = ("image",)
    SCOPE: ClassVar[Scope] = "local"

    image: PictureSettings = PictureSettings()
    cells: int = Field(default=7, ge=2, le=64)
    """Masks are drawn on so many cells a side and made smooth."""
    visible: float = Field(default=0.5, ge=0.05, le=0.95)
    """The share of cells that a mask shows."""
