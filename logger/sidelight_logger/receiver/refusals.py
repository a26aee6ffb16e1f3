"""Why a post is refused: each reason with its status, and as a label of the metrics."""

from __future__ import annotations

from sidelight.errors import ConfigError, LimitExceeded, LogError, MalformedPayload, RecordTooLarge
from sidelight.errors import SidelightError as _Error
from sidelight.serving.refusals import CODES as _CODES
from sidelight.serving.refusals import Busy, TooSlow


class NotAllowed(_Error):
    """The token is missing or wrong."""


class NoSuchPlace(_Error):
    """Nothing is at that path."""


class WrongMethod(_Error):
    """The place takes another method."""


class UnknownFormat(MalformedPayload):
    """An event format or a content encoding that is not read."""


CODES = {
    **_CODES,
    NotAllowed: 401,
    NoSuchPlace: 404,
    WrongMethod: 405,
    UnknownFormat: 415,
    Busy: 429,
    ConfigError: 503,  # the log is not as it is configured: that is for us to put right
}

_REASONS: dict[type[_Error], str] = {
    NotAllowed: "not_allowed",
    NoSuchPlace: "not_found",
    WrongMethod: "not_found",
    UnknownFormat: "unknown_format",
    TooSlow: "too_slow",
    LimitExceeded: "too_large",
    RecordTooLarge: "too_large",
    MalformedPayload: "malformed",
    Busy: "busy",
    LogError: "log",
    ConfigError: "log",
}
REASONS = (*dict.fromkeys(_REASONS.values()), "failed")


def reason_of(error: BaseException) -> str:
    """The label of an error, by its nearest class; "failed" for one that nobody foresaw."""
    return next((found for kind in type(error).__mro__ if (found := _REASONS.get(kind))), "failed")
