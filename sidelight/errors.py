"""Every error Sidelight raises on purpose, in one tree.

    SidelightError
    ├── ConfigError (ValueError)        a configuration value; exit code 2
    ├── MalformedPayload (ValueError)   bytes from outside that are not what they claim; HTTP 400
    │   └── LimitExceeded               well-formed perhaps, but larger than allowed; HTTP 413
    ├── DataMismatch (ValueError)       rows that do not fit a reference or model; HTTP 422
    ├── ArtifactError (ValueError)      a stored file that must not or cannot be loaded
    ├── LogError (OSError)              the event log cannot do what was asked
    │   ├── OffsetOutOfRange            asked for a record that retention or damage took
    │   ├── Fenced                      another consumer has joined this group since
    │   ├── GroupBusy                   a living consumer holds this group
    │   ├── LogFull                     no space for an append
    │   ├── LogUnreachable              no broker answers, or not in time
    │   ├── LogDenied                   wrong login, no right, or a topic that is not there
    │   └── RecordTooLarge              one record is larger than the log takes
    ├── StoreUnreachable (OSError)      the store of large bodies cannot be asked
    ├── PredictorError (RuntimeError)   the predictor failed or could not be reached; HTTP 502
    │   └── PredictorTimeout            ... did not answer in time; HTTP 504
    ├── NotEnoughData (ValueError)      a statistic that cannot be given yet; not a failure
    └── MissingExtra (ImportError)      a part of Sidelight that is not installed

A message names the thing, the value and the way out:
``input 'age': shape [2, 3] holds 6 elements, data has 5; send 6 or correct the shape``.
"""

from __future__ import annotations


class SidelightError(Exception):
    """The root: `except SidelightError` catches all that Sidelight raises on purpose."""


class ConfigError(SidelightError, ValueError):
    """A configuration value that cannot be used."""


class MalformedPayload(SidelightError, ValueError):
    """Bytes from outside that are not what they claim to be.

    `where` names the part (``inputs[1].data``), empty when the whole is meant.
    """

    def __init__(self, message: str, *, where: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.where = where


class LimitExceeded(MalformedPayload):
    """Larger or deeper than a stated limit; nothing was allocated for it."""


class DataMismatch(SidelightError, ValueError):
    """Rows that do not fit the reference or the model they are compared with."""


class ArtifactError(SidelightError, ValueError):
    """A stored file (a reference, a model) that must not or cannot be loaded."""


class LogError(SidelightError, OSError):
    """The event log cannot do what was asked."""


class OffsetOutOfRange(LogError):
    """The record asked for is gone (retention, damage); `begin` and `end` bound what is there."""

    def __init__(self, message: str, *, begin: int, end: int) -> None:
        super().__init__(message)
        self.begin = begin
        self.end = end


class Fenced(LogError):
    """Another consumer has joined this group since: stop, and change nothing more."""


class GroupBusy(LogError):
    """A living consumer holds this group."""


class LogFull(LogError):
    """No space for an append; nothing of the batch was kept."""


class LogUnreachable(LogError):
    """No broker answers, or not in time; what was being appended may be kept or not."""


class LogDenied(LogError):
    """The log turns us away until somebody puts it right: login, rights, a missing topic."""


class RecordTooLarge(LogError):
    """A record of the batch is larger than the log takes; others of the batch may be kept."""


class StoreUnreachable(SidelightError, OSError):
    """The store of large bodies cannot be written or read now."""


class PredictorError(SidelightError, RuntimeError):
    """The predictor refused, failed or could not be reached; `status` is its HTTP status or 0."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class PredictorTimeout(PredictorError):
    """The predictor did not answer before the deadline."""


class NotEnoughData(SidelightError, ValueError):
    """A statistic that cannot be given yet; say so instead of guessing."""


class MissingExtra(SidelightError, ImportError):
    """A part of Sidelight that is not installed; the message says how to install it."""
