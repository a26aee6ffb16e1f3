"""From the settings to what kafka-python's clients are told."""

from __future__ import annotations

import ssl
from typing import Any

from sidelight.config.brokers import KafkaAddress
from sidelight.config.kafka import absent_files, kafka_faults
from sidelight.config.settings import KafkaSettings, LogSettings
from sidelight.errors import ConfigError

_RECONNECT_MAX_MS = 2_000
"""A broker that was away is found again within this time; kafka-python's own limit is 30 s."""


def client_options(log: LogSettings) -> dict[str, Any]:
    """What every client of that log takes: addresses, login, certificates.

    Reads the files that the settings name. Raises `ConfigError` with one line for each thing that
    is wrong.
    """
    wrong = [message for _, message in (*kafka_faults(log), *absent_files(log))]
    if wrong:
        raise ConfigError("\n".join(wrong))
    return {
        "bootstrap_servers": list(KafkaAddress.parse(log.url).servers),
        "client_id": "sidelight",
        "security_protocol": log.kafka.security_protocol,
        "reconnect_backoff_max_ms": _RECONNECT_MAX_MS,
        **_login(log.kafka),
        **_certificates(log.kafka),
    }


def _login(kafka: KafkaSettings) -> dict[str, Any]:
    if kafka.sasl_mechanism is None:
        return {}
    return {
        "sasl_mechanism": kafka.sasl_mechanism,
        "sasl_plain_username": kafka.username,
        "sasl_plain_password": _password(kafka),
    }


def _password(kafka: KafkaSettings) -> str | None:
    if kafka.password_file is None:
        return None if kafka.password is None else kafka.password.get_secret_value()
    try:
        return kafka.password_file.read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"log.kafka.password_file: cannot read it: {exc}") from exc


def _certificates(kafka: KafkaSettings) -> dict[str, Any]:
    if not kafka.security_protocol.endswith("SSL"):
        return {}
    context = ssl.create_default_context()
    if kafka.ca_file is not None:
        try:
            context = ssl.create_default_context(cafile=kafka.ca_file)
        except (OSError, ssl.SSLError) as exc:
            raise _not_pem("ca_file", kafka, exc) from exc
    if kafka.cert_file is not None:
        try:
            context.load_cert_chain(kafka.cert_file, kafka.key_file, password=_no_passphrase)
        except (OSError, ssl.SSLError) as exc:
            raise _not_pem("cert_file", kafka, exc) from exc
    return {"ssl_context": context}


def _no_passphrase() -> str:
    raise ssl.SSLError("the key has a passphrase; store it without one")


def _not_pem(name: str, kafka: KafkaSettings, cause: Exception) -> ConfigError:
    return ConfigError(f"log.kafka.{name} {getattr(kafka, name)} cannot be used: {cause}")
