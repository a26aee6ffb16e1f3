"""Partial dependence."""

from __future__ import annotations

from typing import ClassVar

from sidelight.config.explaining.method import MethodSettings, Modality, Scope


class PartialDependenceSettings(MethodSettings):
    """The mean output (and that of single rows) while one feature is set to each value."""

    MODALITIES: ClassVar[tuple[Modality, ...]] = ("tabular",)
    SCOPE: ClassVar[Scope] = "global"
