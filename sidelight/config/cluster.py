"""How a Kafka cluster is reached."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr

from sidelight.config.section import Section


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


Protocol = Annotated[
    Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"], BeforeValidator(_upper)
]
Mechanism = Annotated[
    Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None, BeforeValidator(_upper)
]


class KafkaSettings(Section):
    """How a Kafka cluster is reached, when an address names one."""

    security_protocol: Protocol = "PLAINTEXT"
    """How brokers are spoken to, in upper or lower case: ``SSL`` encrypts, ``SASL`` logs in."""
    sasl_mechanism: Mechanism = None
    """How to log in, with ``SASL_PLAINTEXT`` and ``SASL_SSL``."""
    username: str | None = None
    """The user to log in as."""
    password: SecretStr | None = None
    """The user's password; `password_file` keeps it out of this file."""
    password_file: Path | None = None
    """A file that holds the password, such as a mounted secret; read at each start."""
    ca_file: Path | None = None
    """Certificates (PEM) that the brokers' own must be signed by; the system's when not set."""
    cert_file: Path | None = None
    """This client's certificate (PEM), for brokers that ask for one."""
    key_file: Path | None = None
    """The certificate's private key (PEM, without a passphrase), unless it is in `cert_file`."""
    replication: int = Field(default=1, ge=1, le=32767)
    """Brokers that keep a copy of each topic that ``sidelight topics --create`` makes."""
    timeout_seconds: float = Field(default=30.0, gt=0)
    """How long an append may take before it is an error."""
    session_seconds: float = Field(default=10.0, ge=1)
    """A consumer that is silent for so long is dead: others get its partitions."""
