"""kafka-python's errors as ours, translated once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kafka import errors

from sidelight.errors import LogDenied, LogError, LogUnreachable, RecordTooLarge

_DENIED = (
    errors.TopicAuthorizationFailedError,
    errors.GroupAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
    errors.SaslAuthenticationFailedError,
)
_TOO_LARGE = (errors.MessageSizeTooLargeError, errors.RecordListTooLargeError)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn what kafka-python raises while `doing` something into errors of ours."""
    try:
        yield
    except errors.KafkaError as exc:
        raise _ours(doing, exc) from exc


def _ours(doing: str, exc: errors.KafkaError) -> LogError:
    told = str(exc) or type(exc).__name__
    # A user who may write nowhere fails at the producer's id, with an error that only says so.
    if isinstance(exc, _DENIED) or "AuthorizationFailed" in told:
        return LogDenied(f"{doing}: {told}; give log.kafka.username the right to it")
    if isinstance(exc, errors.UnknownTopicOrPartitionError):
        return missing(doing)
    if isinstance(exc, _TOO_LARGE):
        return RecordTooLarge(f"{doing}: {told}; raise the topic's max.message.bytes")
    if isinstance(exc, errors.RetriableError):
        return LogUnreachable(f"{doing}: {told}; see whether the brokers run, and try again")
    return LogError(f"{doing}: {type(exc).__name__}: {told}")


def missing(doing: str) -> LogDenied:
    return LogDenied(
        f"{doing}: there is no such topic; 'sidelight topics --create' makes the log's own, "
        "a foreign one must be made by its owner"
    )
