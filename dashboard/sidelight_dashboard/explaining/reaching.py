"""How the explain service is reached: its address, the token it asks for, whom to trust."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass

from sidelight.config.addresses import Listen
from sidelight.config.settings import Settings
from sidelight.errors import ConfigError
from sidelight.tokens import TokenFile


@dataclass(frozen=True)
class Way:
    """`token` gives the token as it is at that time, empty where none is asked for; `tls` is True
    for the usual trust."""

    url: str
    token: Callable[[], str]
    tls: ssl.SSLContext | bool


def way_of(settings: Settings) -> Way:
    """As configured, else to the service of the same file; raises `ConfigError`."""
    return Way(_url(settings), _token(settings), _tls(settings))


def _url(settings: Settings) -> str:
    told = settings.dashboard.explainers
    scheme = "https" if settings.explainers.cert_file else "http"
    if told is None:
        listen = Listen.parse(settings.explainers.listen)
        return f"{scheme}://{Listen(listen.reachable, listen.port)}"
    return (told if "://" in told else f"{scheme}://{told}").rstrip("/")


def _token(settings: Settings) -> Callable[[], str]:
    """The dashboard's own setting, else the service's."""
    for secret, file in (
        (settings.dashboard.explainers_token, settings.dashboard.explainers_token_file),
        (settings.explainers.token, settings.explainers.token_file),
    ):
        if secret is not None:
            return secret.get_secret_value
        if file is not None:
            return TokenFile(file).token
    return str


def _tls(settings: Settings) -> ssl.SSLContext | bool:
    """The service of this very file is known by its certificate, whatever name that has."""
    told, own = settings.dashboard.explainers_ca_file, settings.explainers.cert_file
    is_own = told is None and settings.dashboard.explainers is None
    trusted = own if is_own else told
    if trusted is None:
        return True
    try:
        context = ssl.create_default_context(cafile=trusted)
    except OSError as exc:
        raise ConfigError(f"{trusted} holds no certificates (PEM): {exc}") from exc
    context.check_hostname = not is_own
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
