"""What only the dashboard refuses."""

from __future__ import annotations

from sidelight.errors import SidelightError
from sidelight.serving import refusals


class NotFound(SidelightError):
    """An alarm, row or explanation that is not there (any longer)."""


CODES: refusals.Codes = {**refusals.CODES, NotFound: 404}
