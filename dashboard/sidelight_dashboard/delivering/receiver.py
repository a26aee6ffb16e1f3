"""Who is told of alarms, and in which form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Protocol

from sidelight.config.showing.telling import AlertsSettings, ReceiverOfAlarms
from sidelight.tokens import TokenFile
from sidelight_dashboard.delivering.alertmanager import Alertmanager
from sidelight_dashboard.delivering.notice import Notice
from sidelight_dashboard.delivering.webhook import Webhook


class Form(Protocol):
    """`path` is added to the receiver's address; at most `most` changes go into one body; standing
    alarms are told again after `again_seconds`, or never."""

    path: str
    content_type: str
    most: int
    again_seconds: float | None

    def body(self, notices: Sequence[Notice], now_ns: int) -> bytes:
        """What is posted at that time of this machine's clock."""
        ...


@dataclass(frozen=True)
class Receiver:
    """`name` is of the configuration, with what it is: ``webhook/pager``."""

    name: str
    form: Form
    settings: ReceiverOfAlarms
    token: Callable[[], str]

    @property
    def url(self) -> str:
        """As configured, whether or not that names the form's own path."""
        path, url = self.form.path, self.settings.url
        return url.rstrip("/").removesuffix(path) + path if path else url

    def wants(self, model: str, detector: str) -> bool:
        return _fits(model, self.settings.models) and _fits(detector, self.settings.detectors)


def receivers(settings: AlertsSettings) -> Iterator[Receiver]:
    """All that are configured."""
    for name, one in settings.webhooks.items():
        yield Receiver(f"webhook/{name}", Webhook(), one, _token(one))
    for name, one in settings.alertmanagers.items():
        yield Receiver(f"alertmanager/{name}", Alertmanager(), one, _token(one))


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def _token(settings: ReceiverOfAlarms) -> Callable[[], str]:
    """Empty where none is sent; raises `TokenLost`."""
    if settings.token is not None:
        return settings.token.get_secret_value
    return str if settings.token_file is None else TokenFile(settings.token_file).token
