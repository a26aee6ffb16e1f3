"""Counterfactuals."""

from __future__ import annotations

from typing import ClassVar

from sidelight.config.explaining.method import MethodSettings, Modality, Scope


class CounterfactualSettings(MethodSettings):
    """The smallest change of the row for which the model decides differently."""

    MODALITIES: ClassVar[tuple[Modality, ...]] = ("tabular",)
    SCOPE: ClassVar[Scope] = "local"
