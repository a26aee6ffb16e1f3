"""What detectors that ask the live model have in common."""

from __future__ import annotations

from pydantic import Field

from sidelight.config.section import Section


class AskingSettings(Section):
    """How often a detector asks the predictor, and which exchanges it asks about."""

    sample: float = Field(default=1.0, gt=0, le=1)
    """Share of the exchanges it looks at, drawn by where they stand in the log."""
    max_rows_per_minute: int = Field(default=600, ge=2)
    """Rows that it asks the predictor about, in any minute and by all processes together; rows of
    traffic that this does not afford are left out and counted."""
    max_lag: int | None = Field(default=10_000, ge=2)
    """Exchanges it may be behind in a partition; above it skips to the newer half and counts what
    it skipped. Not set: it skips nothing."""
