"""The dashboard."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from sidelight.config.section import Address, Section
from sidelight.config.showing.access import TokenSettings
from sidelight.config.showing.telling import AlertsSettings


class DashboardSettings(Section):
    """The web page that shows what the detectors say, and why."""

    enabled: bool = True
    """Whether `sidelight up` runs it, where something is watched and the extra is installed."""
    listen: Address = "127.0.0.1:9084"
    """Address of the pages, their API, metrics and health."""
    public_url: str | None = None
    """How people reach it, ``https://HOST``, for links in alerts and reports; `listen` when not
    set. It needs a host name or a port of its own: it cannot be served below a path."""
    runbooks: str = ""
    """Where this repository's files are read, such as ``https://HOST/PATH``: alarms link to
    ``docs/runbooks/NAME.md`` below it."""
    folder: Path | None = None
    """Where its own SQLite files lie; beside the local log, else in the working folder."""
    pane_seconds: float = Field(default=300.0, gt=0)
    """Traffic is kept in slots of this length: the finest step at which any time range can be
    compared anew. Never finer than `detectors.bucket_seconds`."""
    fine_seconds: float = Field(default=86_400.0, gt=0)
    """Slots and windows older than this are rolled up to hours."""
    keep_seconds: float = Field(default=400 * 86_400.0, gt=0)
    """What is older than this is forgotten."""
    stale_seconds: float = Field(default=300.0, gt=0)
    """A model of which nothing was scored for so long has NO DATA."""
    explainers: str | None = None
    """Address of the explain service; `explainers.listen` when not set."""
    explainers_ca_file: Path | None = None
    """Certificates (PEM) that the explain service's own must be signed by, where `explainers` is an
    ``https://`` address; the well-known when not set."""
    explainers_token: SecretStr | None = None
    """The token that the explain service asks for, when it is not `explainers.token` of this file;
    `explainers_token_file` keeps it out of this file."""
    explainers_token_file: Path | None = None
    """A file that holds that token; read again whenever it changes."""
    tokens: dict[str, TokenSettings] = Field(default_factory=dict)
    """Who may look, by a name of your choice; without any, whoever reaches `listen` may."""
    allowed_hosts: tuple[str, ...] = ()
    """Names by which browsers may reach it, beside those of `listen` and `public_url`; others are
    refused, so that no foreign page can read it through a name of its own."""
    alerts: AlertsSettings = AlertsSettings()
    cert_file: Path | None = None
    """Serve TLS with this certificate (PEM)."""
    key_file: Path | None = None
    """The certificate's private key (PEM, without a passphrase)."""

    @field_validator("runbooks")
    @classmethod
    def _is_web_address(cls, runbooks: str) -> str:
        if runbooks and not runbooks.startswith(("http://", "https://")):
            raise ValueError(f"{runbooks!r} is no address; write https://HOST/PATH")
        return runbooks

    @field_validator("public_url")
    @classmethod
    def _is_place_of_its_own(cls, public_url: str | None) -> str | None:
        parts = urlsplit(public_url or "http://unset")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{public_url!r} is no address; write https://HOST")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError(
                f"{public_url!r} has more than a host: the dashboard's pages begin at /, so give it"
                " a host name or port of its own"
            )
        return public_url

    @model_validator(mode="after")
    def _fits(self) -> DashboardSettings:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("set both of 'cert_file' and 'key_file', or neither")
        if self.explainers_token is not None and self.explainers_token_file is not None:
            raise ValueError("set one of 'explainers_token' and 'explainers_token_file'")
        if self.keep_seconds < self.fine_seconds:
            raise ValueError("'keep_seconds' is less than 'fine_seconds'; raise it")
        return self
