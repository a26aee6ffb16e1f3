"""Accumulated local effects."""

from __future__ import annotations

from typing import ClassVar

from sidelight.config.explaining.method import MethodSettings, Modality, Scope


class AleSettings(MethodSettings):
    """Accumulated local effects: how the output changes along one feature, other things equal."""

    MODALITIES: ClassVar[tuple[Modality, ...]] = ("tabular",)
    SCOPE: ClassVar[Scope] = "global"
