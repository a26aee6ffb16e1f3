"""The certificates that a predictor's connections are made with."""

from __future__ import annotations

import ssl
from typing import Literal

from sidelight.config.settings import PredictorSettings
from sidelight.errors import ConfigError


def tls_context(name: str, settings: PredictorSettings) -> ssl.SSLContext | Literal[True]:
    """What to trust and to show, True for the usual; `ConfigError` names a file of no use."""
    if settings.ca_file is None and settings.cert_file is None:
        return True
    key = f"models.{name}.predictor"
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as exc:
        raise ConfigError(f"{key}.ca_file: {settings.ca_file} is no PEM: {exc}") from exc
    if settings.cert_file is not None:
        try:
            context.load_cert_chain(settings.cert_file, settings.key_file, _no_passphrase)
        except (OSError, ValueError) as exc:
            files = f"{settings.cert_file} and {settings.key_file or 'the key in it'}"
            raise ConfigError(f"{key}.cert_file: {files} cannot be used: {exc}") from exc
    return context


def _no_passphrase() -> str:
    """Without this OpenSSL asks the terminal."""
    raise ValueError("the key has a passphrase; store it without")
