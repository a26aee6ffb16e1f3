"""Leave one out."""

from __future__ import annotations

from typing import ClassVar

from sidelight.config.explaining.method import Modality, Scope
from sidelight.config.explaining.players import OfTexts


class LeaveOneOutSettings(OfTexts):
    """What the output loses when one word or sentence is left out."""

    MODALITIES: ClassVar[tuple[Modality, ...]] = ("text",)
    SCOPE: ClassVar[Scope] = "local"
