"""How much is kept of a model's exchanges."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from sidelight.config.section import Section

Level = Literal["none", "metadata", "features", "full"]


class CaptureSettings(Section):
    """How much is kept. Short form: ``capture: features``."""

    level: Level = "full"
    """none: nothing. metadata: all but the bodies, of which size and sha256 stay. features: of the
    bodies only the model's `features` and `outputs`. full: bodies as they came."""
    sample: float = Field(default=1.0, ge=0, le=1)
    """Share of the exchanges kept, chosen by a hash of an id."""
    sample_by: Literal["exchange", "correlation"] = "exchange"
    """exchange: the id that the logger mints, so that no client can choose to stay unseen.
    correlation: the client's ``X-Request-Id`` or ``Ce-Id`` where it sent one, so that every logger
    on a request's way chooses the same."""
    sample_errors: float = Field(default=1.0, ge=0, le=1)
    """Share kept of the exchanges without an answer below 400."""
    max_body: int | None = Field(default=None, ge=0)
    """Bytes of one body kept, where that is less than `logger.max_body`; the rest is cut and
    marked, size and sha256 stay."""


def _capture(value: Any) -> Any:
    return {"level": value} if isinstance(value, str) else value


Capture = Annotated[
    CaptureSettings,
    BeforeValidator(_capture, json_schema_input_type=Level | CaptureSettings),
]
