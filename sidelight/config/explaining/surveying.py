"""Methods that look at many rows."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from sidelight.config.explaining.method import MethodSettings, Modality, Scope


class SurveySettings(MethodSettings):
    """A method that explains the model over the rows of a request, or over those of `over` when
    the request has none."""

    MODALITIES: ClassVar[tuple[Modality, ...]] = ("tabular",)
    SCOPE: ClassVar[Scope] = "global"

    budget: int = Field(default=16384, ge=2)
    """Rows the predictor may be asked for, for one explanation."""
    max_budget: int = Field(default=1 << 20, ge=2)
    """The largest budget that a request may set for itself."""
    over: Literal["reference", "recent"] = "reference"
    """The rows looked at when a request has none: the reference's, or what clients sent lately,
    where this file says so (here or in `background_from`)."""
    features: tuple[str, ...] = ()
    """The features looked at; all when empty."""
    rows: int = Field(default=1000, ge=2)
    """Rows looked at, drawn by the seed from more; fewer where the budget does not pay for them."""
