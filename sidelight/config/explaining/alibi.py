"""Explainers of alibi, through the extra of that name."""

from __future__ import annotations

from typing import ClassVar

from sidelight.config.explaining.method import MethodSettings, Modality


class AlibiSettings(MethodSettings):
    """One explainer of alibi, made from the configuration or loaded from a folder."""

    MODALITIES: ClassVar[tuple[Modality, ...]] = ("tabular", "text", "image")
