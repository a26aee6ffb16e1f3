"""Occlusion."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from sidelight.config.explaining.method import MethodSettings, Modality, Scope
from sidelight.config.explaining.players import PictureSettings


class OcclusionSettings(MethodSettings):
    """What the output loses when one patch of the picture is covered."""

    MODALITIES: ClassVar[tuple[Modality, ...]] = ("image",)
    SCOPE: ClassVar[Scope] = "local"

    image: PictureSettings = PictureSettings()
    patch: float = Field(default=0.15, gt=0, le=1)
    """The side of the square patch, in parts of the picture's shorter side."""
    stride: float = Field(default=0.5, gt=0, le=1)
    """How far the patch moves each time, in parts of its side."""
