"""What only an explainer refuses."""

from __future__ import annotations

from sidelight.errors import SidelightError
from sidelight.serving import refusals


class NoExplainer(SidelightError):
    """The model is known, but no explainer is configured for it."""


CODES: refusals.Codes = {**refusals.CODES, NoExplainer: 501}
