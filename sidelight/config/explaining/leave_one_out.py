"""Leave one out."""

from __future__ import annotations

from typing import ClassVar

from sidelight.config.explaining.method import MethodSettings, Modality, Scope


class LeaveOneOutSettings(MethodSettings):
    """What the output loses when one word or sentence is left out."""

    MODALITIES: ClassVar[tuple[Modality, ...]] = ("text",)
    SCOPE: ClassVar[Scope] = "local"
