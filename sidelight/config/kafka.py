"""What is wrong between the settings of a log on Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sidelight.config.brokers import KafkaAddress, is_kafka
from sidelight.config.fields import Key, dotted
from sidelight.config.settings import KafkaSettings, LogSettings
from sidelight.errors import ConfigError

KafkaFault = tuple[Key, str]
"""The setting that is best put right, and what is wrong with it."""

_KAFKA: Key = ("log", "kafka")
_LOGIN = ("sasl_mechanism", "username", "password", "password_file")
_NEITHER = "write kafka://HOST:PORT,HOST:PORT/PREFIX, or the folder of a local log"
_FILES = ("ca_file", "cert_file", "key_file")


def kafka_faults(log: LogSettings) -> Iterator[KafkaFault]:
    """All that is wrong; of a local log, only that its folder reads like a mistyped address."""
    if not is_kafka(log.url):
        if "://" in log.url:
            yield ("log", "url"), f"log.url is {log.url!r}; {_NEITHER}"
        return
    try:
        KafkaAddress.parse(log.url)
    except ConfigError as exc:
        yield ("log", "url"), str(exc)
    yield from _of_login(log.kafka)
    yield from _of_certificates(log.kafka)


def absent_files(log: LogSettings) -> Iterator[KafkaFault]:
    """The files that the settings name and that cannot be read."""
    if not is_kafka(log.url):
        return
    for name in ("password_file", *_FILES):
        path: Path | None = getattr(log.kafka, name)
        if path is not None and not path.is_file():
            yield _fault(name, f"there is no file {path}")


def _of_login(kafka: KafkaSettings) -> Iterator[KafkaFault]:
    protocol = kafka.security_protocol
    if not protocol.startswith("SASL"):
        for name in _LOGIN:
            if getattr(kafka, name) is not None:
                yield _fault(name, f"{protocol} logs nobody in; {_choose('SASL_SSL')}")
        return
    if kafka.sasl_mechanism is None:
        yield _fault("sasl_mechanism", f"not set, and {protocol} needs it; set SCRAM-SHA-512")
    if kafka.username is None:
        yield _fault("username", f"not set, and {protocol} needs it; set the user to log in as")
    if kafka.password is None and kafka.password_file is None:
        yield _fault("password_file", f"not set, and {protocol} needs it or log.kafka.password")
    if kafka.password is not None and kafka.password_file is not None:
        yield _fault("password", "set beside log.kafka.password_file; set one of the two")


def _of_certificates(kafka: KafkaSettings) -> Iterator[KafkaFault]:
    if not kafka.security_protocol.endswith("SSL"):
        for name in _FILES:
            if getattr(kafka, name) is not None:
                yield _fault(
                    name, f"{kafka.security_protocol} uses no certificate; {_choose('SSL')}"
                )
    elif kafka.key_file is not None and kafka.cert_file is None:
        yield _fault("cert_file", "not set, and log.kafka.key_file needs it")


def _choose(protocol: str) -> str:
    return f"set log.kafka.security_protocol to {protocol}, or remove this"


def _fault(name: str, message: str) -> KafkaFault:
    key = (*_KAFKA, name)
    return key, f"{dotted(key)}: {message}"
