"""Feature squeezing: does the answer stand when the row loses detail?"""

from __future__ import annotations

from pydantic import Field

from sidelight.config.detecting.asking import AskingSettings
from sidelight.config.section import Section


class NonLocalMeansSettings(Section):
    """Each pixel becomes the mean of pixels whose surroundings look alike."""

    search: int = Field(default=11, ge=3, le=31)
    """Side of the square that is searched, in pixels; odd."""
    patch: int = Field(default=3, ge=1, le=15)
    """Side of the surroundings that are compared, in pixels; odd."""
    strength: float = Field(default=40.0, gt=0)
    """How far surroundings may be apart, on the scale to 255."""


class SqueezingSettings(AskingSettings):
    """Rows whose answer changes when they lose detail that no ordinary row needs."""

    rate: float = Field(default=0.01, gt=0, lt=0.5)
    """Share of ordinary rows that may be flagged, on average over references."""
    calibration: int = Field(default=500, ge=20)
    """Reference rows that the predictor is asked about at first, and again for a new version."""
    bits: int | None = Field(default=None, ge=1, le=7)
    """Images: depth that pixels are reduced to; 1 for one channel and 5 for colours if not set."""
    median: int = Field(default=2, ge=2, le=9)
    """Images: side of the square whose median each pixel becomes."""
    non_local_means: NonLocalMeansSettings = NonLocalMeansSettings()
    quantiles: tuple[int, ...] = (8, 32)
    """Numbers: rounded to so many quantiles of the reference; each is a squeezer of its own."""
