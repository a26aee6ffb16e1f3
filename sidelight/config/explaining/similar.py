"""Similar rows."""

from __future__ import annotations

from typing import ClassVar

from sidelight.config.explaining.method import MethodSettings, Modality, Scope


class SimilarSettings(MethodSettings):
    """Reference rows that are most like the row, and what the model says of them."""

    MODALITIES: ClassVar[tuple[Modality, ...]] = ("tabular",)
    SCOPE: ClassVar[Scope] = "local"
