"""Anchors."""

from __future__ import annotations

from typing import ClassVar

from sidelight.config.explaining.method import MethodSettings, Modality, Scope


class AnchorSettings(MethodSettings):
    """A rule that is enough for the decision: whenever it holds, the model decides the same."""

    MODALITIES: ClassVar[tuple[Modality, ...]] = ("tabular", "text", "image")
    SCOPE: ClassVar[Scope] = "local"
