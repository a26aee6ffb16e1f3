"""Anchors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from sidelight.config.explaining.deciding import DecidingSettings
from sidelight.config.explaining.method import Modality, Scope
from sidelight.config.explaining.players import OfPictures, OfTexts


class AnchorSettings(DecidingSettings, OfTexts, OfPictures):
    """A rule that is enough for the decision: whenever it holds, the model decides the same."""

    MODALITIES: ClassVar[tuple[Modality, ...]] = ("tabular", "text", "image")
    SCOPE: ClassVar[Scope] = "local"
    CONFIGURED: ClassVar[frozenset[str]] = OfTexts.CONFIGURED | {"background", "bins"}
    OF_INPUTS: ClassVar[Mapping[str, Modality]] = {**OfTexts.OF_INPUTS, **OfPictures.OF_INPUTS}

    budget: int = Field(default=16384, ge=2)
    """Rows the predictor may be asked for, for one explanation; long rules take most of them."""
    precision: float = Field(default=0.95, ge=0.5, lt=1)
    """The share of draws that must get the same decision when the rule holds."""
    confidence: float = Field(default=0.95, ge=0.5, lt=1)
    """How sure that the rule has this precision; shared out over all rules that are tested."""
    max_conditions: int = Field(default=10, ge=1, le=64)
    """The longest rule looked for."""
    beam: int = Field(default=2, ge=1, le=16)
    """Rules of each length that longer ones are made of."""
    bins: int = Field(default=4, ge=2, le=64)
    """tabular: numbers are compared with the borders of so many equally filled bins of the
    reference."""
    background: int = Field(default=1000, ge=1)
    """Reference rows that draws start from."""
