"""Makes kafka-python's clients, and says why when no broker takes them.

kafka-python tells the cause of a failed connection to its log only: its own error says that it was
not able to bootstrap, after the whole timeout, and leaves a thread behind. Here the causes are
heard, a refused login ends the wait early, and nothing stays.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sidelight.config.brokers import KafkaAddress
from sidelight.config.settings import LogSettings
from sidelight.errors import LogDenied, LogError, LogUnreachable
from sidelight.log.kafka.connecting import client_options

Client = TypeVar("Client")

_CLOSED = "socket disconnected"
_FIRST_ATTEMPT_SECONDS = 1.0
"""Until the first look at why there is no connection; each next attempt takes twice as long."""


def dial(
    kind: Callable[..., Client], log: LogSettings, *, seconds: float, **options: Any
) -> Client:
    """A connected ``KafkaProducer``, ``KafkaConsumer`` or ``KafkaAdminClient``.

    `options` go to it beside those of the settings. Raises `LogDenied` when a login or certificate
    is refused, `LogUnreachable` when no broker answers within `seconds`.
    """
    from kafka.errors import KafkaTimeoutError

    options = client_options(log) | options
    deadline, patience = time.monotonic() + seconds, _FIRST_ATTEMPT_SECONDS
    with _heard() as failures:
        while True:
            left = deadline - time.monotonic()
            try:
                return _attempt(kind, min(left, patience), options)
            except KafkaTimeoutError as exc:
                error = _error(log, failures, seconds)
                if isinstance(error, LogDenied) or time.monotonic() >= deadline:
                    raise error from exc
            patience *= 2


def _attempt(kind: Callable[..., Client], seconds: float, options: dict[str, Any]) -> Client:
    from kafka.net.compat import KafkaNetClient

    made: list[Any] = []

    def keeping(**config: Any) -> Any:
        made.append(KafkaNetClient(**config))
        return made[-1]

    try:
        return kind(**options, kafka_client=keeping, bootstrap_timeout_ms=max(1, seconds * 1000))
    except BaseException:
        for connections in made:
            connections.close()
        # kafka-python leaves refused sockets open, in cycles: in an outage they use up descriptors.
        gc.collect()
        raise


class _Ear(logging.Handler):
    """Collects the exceptions that a library tells its log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.failures: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        arguments = record.args if isinstance(record.args, tuple) else ()
        self.failures += [one for one in arguments if isinstance(one, BaseException)]


def _cause(failure: BaseException) -> str:
    return str(failure).removeprefix(f"{type(failure).__name__}: ")


@contextmanager
def _heard() -> Iterator[list[BaseException]]:
    ear, source = _Ear(), logging.getLogger("kafka")
    source.addHandler(ear)
    try:
        yield ear.failures
    finally:
        source.removeHandler(ear)


def _error(log: LogSettings, failures: list[BaseException], seconds: float) -> LogError:
    from kafka.errors import (
        IllegalSaslStateError,
        SaslAuthenticationFailedError,
        UnsupportedSaslMechanismError,
    )

    servers = ", ".join(KafkaAddress.parse(log.url).servers)
    for failure in reversed(failures):
        if isinstance(failure, SaslAuthenticationFailedError):
            return LogDenied(
                f"Kafka at {servers} refuses the login of {log.kafka.username!r}; correct"
                " log.kafka.username or its password"
            )
        if isinstance(failure, IllegalSaslStateError):
            return LogDenied(
                f"Kafka at {servers} takes no login there; set log.kafka.security_protocol to"
                f" {log.kafka.security_protocol.removeprefix('SASL_')}, or"
                " log.url to the listener that takes one"
            )
        if isinstance(failure, UnsupportedSaslMechanismError):
            return LogDenied(
                f"Kafka at {servers} does not know log.kafka.sasl_mechanism"
                f" {log.kafka.sasl_mechanism}; set one that its listener enables"
            )
        if (way_out := _of_certificates(str(failure))) is not None:
            return LogDenied(
                f"no trust between us and Kafka at {servers}: {_cause(failure)}; {way_out}"
            )
    return LogUnreachable(
        f"no Kafka at {servers} answered within {seconds:.0f} s, spoken to in"
        f" {log.kafka.security_protocol} (log.kafka.security_protocol): {_last(failures)}"
    )


def _of_certificates(failure: str) -> str | None:
    if "mismatch, certificate is not valid for" in failure:
        return "name the brokers in log.url, and they themselves, as their certificates do"
    if "CERTIFICATE_VERIFY_FAILED" in failure:
        return "set log.kafka.ca_file to what signed the brokers' certificates"
    if "ALERT" in failure and "CERT" in failure:
        return "set log.kafka.cert_file and key_file to a certificate that the brokers accept"
    return None


def _last(failures: list[BaseException]) -> str:
    """The newest failure that says more than that there is no connection."""
    told = [_cause(one) for one in failures if type(one).__name__ != "KafkaTimeoutError"]
    telling = [one for one in told if one != _CLOSED]
    if told and not telling:
        return (
            "it closes the connection; see whether its listener has this security_protocol and"
            " log.kafka.sasl_mechanism"
        )
    return (telling or ["no answer"])[-1]
