"""What only an explainer refuses."""

from __future__ import annotations

from sidelight.errors import SidelightError
from sidelight.serving import refusals
from sidelight.tokens import TokenLost
from sidelight_explainers.asking import Cancelled
from sidelight_explainers.logged.exchange import NotLogged


class NoExplainer(SidelightError):
    """The model is known, but no explainer is configured for it."""


class UnknownJob(SidelightError):
    """No job of that id, or its result is not kept any longer."""


class Gone(SidelightError):
    """The client left before the answer; nobody reads this."""


class NotAllowed(SidelightError):
    """The caller has not shown the service's token."""


class NotOnePicture(SidelightError):
    """A picture was asked of several explanations."""


CODES: refusals.Codes = {
    **refusals.CODES,
    NotAllowed: 401,
    NotLogged: 404,
    UnknownJob: 404,
    NotOnePicture: 406,
    Cancelled: 410,
    Gone: 499,
    NoExplainer: 501,
    TokenLost: 503,
}
