"""What came true: joined with predictions as it comes in."""

from __future__ import annotations

from pydantic import Field

from sidelight.config.section import Section


class LabelsSettings(Section):
    """Late labels, and realised accuracy, AUC and calibration by them."""

    window_seconds: float = Field(default=3600.0, gt=0)
    """Event-time windows of predictions that labels are counted in."""
    wait_seconds: float = Field(default=14400.0, ge=0)
    """How long after its end a window waits for labels; what it says until then is provisional."""
    early_seconds: float = Field(default=900.0, ge=0)
    """How long a label is remembered that stands in the log before its row, by event time."""
    max_rows: int = Field(default=20_000_000, ge=1)
    """Rows that wait for a label at most; above it the oldest are given up and counted."""
    min_coverage: float = Field(default=0.5, ge=0, le=1)
    """A window, or a group in it, with a smaller share of labelled rows gets a warning."""
