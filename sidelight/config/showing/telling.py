"""Who is told of alarms."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from sidelight.config.section import Section
from sidelight.tokens import is_token


class ReceiverOfAlarms(Section):
    """An address that alarms are posted to."""

    url: str
    """Where to: ``http://`` or ``https://``."""
    token: SecretStr | None = None
    """Sent as ``Authorization: Bearer``; `token_file` keeps it out of this file."""
    token_file: Path | None = None
    """A file that holds the token; read again whenever it changes."""
    models: tuple[str, ...] = ()
    """Only alarms of these models; of all when empty. ``*`` stands for any characters."""
    detectors: tuple[str, ...] = ()
    """Only alarms of these detectors (``drift``, ``adversarial``, ``bias*``); of all when empty."""
    timeout_seconds: float = Field(default=10.0, gt=0)
    """How long an answer is waited for before the post counts as failed and is tried again."""
    give_up_seconds: float = Field(default=86_400.0, gt=0)
    """A post that has not been taken for so long is given up, and counted."""

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no address; write http://HOST:PORT/PATH")
        return url

    @model_validator(mode="after")
    def _one_token(self) -> ReceiverOfAlarms:
        if self.token is not None and self.token_file is not None:
            raise ValueError("set one of 'token' and 'token_file'")
        if self.token is not None and not is_token(self.token.get_secret_value()):
            raise ValueError("the token is empty, or has characters that no header can hold")
        return self


class AlertsSettings(Section):
    """Who is told when an alarm is raised or cleared."""

    webhooks: dict[str, ReceiverOfAlarms] = Field(default_factory=dict)
    """By a name of your choice: addresses that get each change as a CloudEvent in JSON."""
    alertmanagers: dict[str, ReceiverOfAlarms] = Field(default_factory=dict)
    """By a name of your choice: Alertmanagers (``http://HOST:9093``), which are told again while an
    alarm stands."""
