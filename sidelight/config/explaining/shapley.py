"""Shapley values."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from sidelight.config.explaining.method import MethodSettings, Modality


class ShapleySettings(MethodSettings):
    """How much each feature, word or superpixel moved one output away from its average."""

    MODALITIES: ClassVar[tuple[Modality, ...]] = ("tabular", "text", "image")
    CONFIGURED: ClassVar[frozenset[str]] = MethodSettings.CONFIGURED | {"background"}

    background: int = Field(default=100, ge=1)
    """Reference rows that stand for 'feature absent'."""
