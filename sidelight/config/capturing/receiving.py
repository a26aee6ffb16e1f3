"""Settings of the receiver."""

from __future__ import annotations

from pydantic import Field, SecretStr

from sidelight.config.section import Address, Section


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
    max_event_bytes: int = Field(default=64 << 20, ge=1 << 10)
    """A post larger than this is refused with 413."""
