"""The service that explains."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, model_validator

from sidelight.config.section import Address, Section
from sidelight.tokens import is_token


class JobsSettings(Section):
    """Explanations that a client does not wait for (``Prefer: respond-async``)."""

    workers: int = Field(default=4, ge=1)
    """Rows of jobs explained at one time, beside those that clients wait for."""
    limit: int = Field(default=256, ge=1)
    """Jobs that wait, run or are kept; the oldest results make way, else the answer is 503."""
    keep_seconds: float = Field(default=600.0, gt=0)
    """How long a result is kept."""
    keep_bytes: int = Field(default=64 << 20, ge=1)
    """Results as JSON; above it the oldest are dropped before their time."""


class ExplainersSettings(Section):
    """The explain service."""

    listen: Address = "127.0.0.1:9083"
    """Address of the explain routes, metrics and health."""
    grpc_listen: Address | None = None
    """Address of the same over gRPC; none by default. Needs the extra ``grpc``."""
    workers: int = Field(default=16, ge=1)
    """Rows explained at one time; what they ask the predictor travels together."""
    waiting: int = Field(default=64, ge=0)
    """Rows that may wait for a worker; above it the answer is 503."""
    max_rows: int = Field(default=64, ge=1)
    """Rows of one request; for methods that explain the model over many rows it is `max_table`."""
    max_table: int = Field(default=10_000, ge=1)
    """Rows of one request over which the model is explained."""
    max_body: int = Field(default=4 << 20, ge=1)
    """Bytes of one request's body, on the wire and decompressed."""
    keep_alive_seconds: int = Field(default=65, ge=1)
    """How long an idle connection is kept: longer than the gateways before it keep theirs."""
    cert_file: Path | None = None
    """Serve TLS (HTTP and gRPC) with this certificate (PEM)."""
    key_file: Path | None = None
    """The certificate's private key (PEM, without a passphrase)."""
    client_ca_file: Path | None = None
    """Serve only callers with a certificate (PEM) that one of these has signed; over TLS."""
    token: SecretStr | None = None
    """Callers must send ``Authorization: Bearer`` and this, over gRPC as metadata; health and
    metrics are open. `token_file` keeps it out of this file."""
    token_file: Path | None = None
    """A file that holds the token, such as a mounted secret; read again whenever it changes."""
    jobs: JobsSettings = JobsSettings()
    warm_up: bool = True
    """Whether each method explains one row for nobody before the service is ready, so that the
    first request does not pay for what is loaded or compiled once. No predictor is asked."""

    @model_validator(mode="after")
    def _both_or_neither(self) -> ExplainersSettings:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("set both of 'cert_file' and 'key_file', or neither")
        if self.client_ca_file and not self.cert_file:
            raise ValueError("'client_ca_file' needs TLS; set 'cert_file' and 'key_file'")
        return self

    @model_validator(mode="after")
    def _one_token(self) -> ExplainersSettings:
        if self.token is not None and self.token_file is not None:
            raise ValueError("set one of 'token' and 'token_file'")
        if self.token is not None and not is_token(self.token.get_secret_value()):
            raise ValueError("the token is empty, or has characters that no header can hold")
        return self
