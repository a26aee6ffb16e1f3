"""RISE."""

from __future__ import annotations

from typing import ClassVar

from sidelight.config.explaining.method import MethodSettings, Modality, Scope


class RiseSettings(MethodSettings):
    """Which pixels the output needs, from many random masks."""

    MODALITIES: ClassVar[tuple[Modality, ...]] = ("image",)
    SCOPE: ClassVar[Scope] = "local"
