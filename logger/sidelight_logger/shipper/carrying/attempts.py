"""One try to append to a log, and what its failure means."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sidelight.errors import (
    ConfigError,
    LogDenied,
    LogError,
    LogFull,
    LogUnreachable,
    RecordTooLarge,
)
from sidelight.log.contract import Record, Writer
from sidelight_logger.shipper.carrying.fates import SinkFailed
from sidelight_logger.wire.sinks import BROKEN, DENIED, UNREACHABLE

# A setting that does not fit the brokers, or a password's file that is not mounted yet: as a login
# that is refused, it can be put right while we wait.
_REASONS = {LogUnreachable: UNREACHABLE, LogDenied: DENIED, ConfigError: DENIED}


def attempt(
    log: Writer, topic: str, records: Sequence[Record], told: Callable[[str], str] = str
) -> None:
    """Append once; raises `SinkFailed`, which says what is `told`, when trying again can help."""
    try:
        log.append(topic, records)
    except (RecordTooLarge, LogFull):
        raise
    except (LogError, ConfigError) as exc:
        reasons = (reason for kind, reason in _REASONS.items() if isinstance(exc, kind))
        raise SinkFailed(told(str(exc)), next(reasons, BROKEN)) from exc
