"""Settings of the receiver."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, field_validator, model_validator

from sidelight.config.section import Address, Section
from sidelight.tokens import is_token


class ReceiverSettings(Section):
    """The receiver: an HTTP address that takes the events of other loggers (KServe's agent, a
    Knative broker, Seldon, ModelMesh). The section alone, ``receiver: {}``, turns it on."""

    listen: Address = "127.0.0.1:9086"
    """Address that the events are posted to."""
    token: SecretStr | None = None
    """Asked of every sender: as ``Authorization: Bearer TOKEN``, or as the first part of the path
    (``http://HOST:9086/TOKEN``), for senders that can set no header, such as KServe's agent."""
    allowed_origins: tuple[str, ...] = ()
    """Senders whose webhook handshake (CloudEvents ``OPTIONS``) is answered; every one when
    empty."""
    max_event_bytes: int = Field(default=16 << 20, ge=1 << 10)
    """A post larger than this, also when decompressed, is refused with 413. A structured event
    takes up to some twenty times its size while it is read."""
    buffer_bytes: int = Field(default=128 << 20, ge=1 << 10)
    """Bytes of posts that are read or wait for the log at once; more are refused with 429."""
    cert_file: Path | None = None
    """Serve TLS with this certificate (PEM)."""
    key_file: Path | None = None
    """The certificate's private key (PEM, without a passphrase)."""

    @field_validator("token")
    @classmethod
    def _can_be_shown(cls, token: SecretStr | None) -> SecretStr | None:
        """In a header as well as in a path."""
        shown = token.get_secret_value() if token else ""
        if token is not None and not (is_token(shown) and not set(shown) & set("/?#%")):
            wrong = "holds what a path cannot" if shown else "is empty"
            raise ValueError(
                f"the token {wrong}; use visible ASCII without spaces, '/', '?', '#' and '%', or "
                "leave it out to take events from whoever reaches the address"
            )
        return token

    @model_validator(mode="after")
    def _fits(self) -> ReceiverSettings:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("set both of 'cert_file' and 'key_file', or neither")
        if self.buffer_bytes < self.max_event_bytes:
            raise ValueError(
                f"'buffer_bytes' is {self.buffer_bytes}, less than one event may have "
                f"('max_event_bytes' {self.max_event_bytes}); raise it"
            )
        return self
