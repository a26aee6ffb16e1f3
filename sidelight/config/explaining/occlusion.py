"""Occlusion."""

from __future__ import annotations

from typing import ClassVar

from sidelight.config.explaining.method import MethodSettings, Modality, Scope


class OcclusionSettings(MethodSettings):
    """What the output loses when one patch of the picture is covered."""

    MODALITIES: ClassVar[tuple[Modality, ...]] = ("image",)
    SCOPE: ClassVar[Scope] = "local"
