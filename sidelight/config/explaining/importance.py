"""Permutation importance."""

from __future__ import annotations

from typing import ClassVar

from sidelight.config.explaining.method import MethodSettings, Modality, Scope


class ImportanceSettings(MethodSettings):
    """What the model's error or output loses when one feature is shuffled."""

    MODALITIES: ClassVar[tuple[Modality, ...]] = ("tabular",)
    SCOPE: ClassVar[Scope] = "global"
