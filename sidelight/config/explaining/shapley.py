"""Shapley values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from sidelight.config.explaining.method import Modality
from sidelight.config.explaining.players import OfPictures, OfTexts


class ShapleySettings(OfTexts, OfPictures):
    """How much each feature, word or superpixel moved one output away from its average."""

    MODALITIES: ClassVar[tuple[Modality, ...]] = ("tabular", "text", "image")
    CONFIGURED: ClassVar[frozenset[str]] = OfTexts.CONFIGURED | {"background"}
    OF_INPUTS: ClassVar[Mapping[str, Modality]] = {
        **OfTexts.OF_INPUTS,
        **OfPictures.OF_INPUTS,
        "hierarchy": "text",
        "groups": "tabular",
        "proxy": "tabular",
    }

    background: int = Field(default=100, ge=1)
    """Reference rows that stand for 'feature absent'."""
    tolerance: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Stop when every 95 % interval reaches no further than this to both sides, in the output's
    unit; when not set the whole budget is asked."""
    groups: dict[str, tuple[str, ...]] = Field(default={}, max_length=1000)
    """Features that come and go together and are explained as one, by the group's name: the parts
    of a date, the columns of one category."""
    hierarchy: Literal["none", "sentences"] = "none"
    """sentences: of a text, words share what their sentence does (Owen values)."""
    whitebox: bool = True
    """Read the values from the model's file where it is at hand and agrees with the predictor."""
    proxy: bool = False
    """Learn trees from all rows that explanations of this model ask, and let them take chance out
    of later ones; a request can only switch off what the configuration switches on."""
