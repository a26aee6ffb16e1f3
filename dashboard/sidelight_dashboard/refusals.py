"""What only the dashboard refuses."""

from __future__ import annotations

from sidelight.errors import SidelightError
from sidelight.serving import refusals
from sidelight.tokens import TokenLost


class NotFound(SidelightError):
    """An alarm, row or explanation that is not there (any longer)."""


class NotAllowed(SidelightError):
    """The caller has shown no token of ours."""


class Forbidden(SidelightError):
    """The caller's token does not have the scope that this needs."""


class NotOffered(SidelightError):
    """The explain service is away, or has nothing for the model."""


CODES: refusals.Codes = {
    **refusals.CODES,
    NotAllowed: 401,
    Forbidden: 403,
    NotFound: 404,
    NotOffered: 503,
    TokenLost: 503,
}
