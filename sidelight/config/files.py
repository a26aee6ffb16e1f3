"""Whether the files that a configuration names are there, and can be what it says they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sidelight.config.capturing.redact_faults import absent_keys
from sidelight.config.checks import Fault
from sidelight.config.headers import header_faults
from sidelight.config.kafka import absent_files
from sidelight.config.loading import Loaded
from sidelight.config.references import missing_files, reference_faults
from sidelight.config.section import Section
from sidelight.config.services import configured, grpc_upstream, receiver, upstream
from sidelight.config.settings import Settings
from sidelight.config.showing.service import DashboardSettings
from sidelight.errors import ConfigError
from sidelight.upstreams import parse_grpc_upstream, parse_upstream

_CERTIFIED = ("cert_file", "key_file")
_ASKED_OF_EXPLAINERS = ("explainers_ca_file", "explainers_token_file")
_NO_SERVER = (
    "logger.upstream is not set, and there is not one predictor url to take it from; set it to the "
    "model server's address, or start 'sidelight logger --upstream URL'"
)


def require_files(loaded: Loaded) -> None:
    """Raise `ConfigError` with one line for each file that is not there or cannot be right, for
    each header that a detector reads and the logger does not keep, and for a model server that the
    logger cannot stand before.

    Not part of loading: a service does not need the files of another, which may run elsewhere.
    """
    settings = loaded.settings
    wrong = [
        *reference_faults(settings),
        *missing_files(settings),
        *_absent_of_predictors(settings),
        *_absent_of("explainers", settings.explainers, *_CERTIFIED, "client_ca_file", "token_file"),
        *_absent_of("receiver", receiver(settings), *_CERTIFIED),
        *_absent_of("dashboard", settings.dashboard, *_CERTIFIED, *_ASKED_OF_EXPLAINERS),
        *_absent_of_dashboard(settings.dashboard),
        *_absent_of_probes(settings.probes.key_file),
        *header_faults(settings),
        *_of_upstreams(loaded),
    ]
    wrong += [Fault(key, message) for key, message in absent_files(loaded.settings.log)]
    wrong += _unusable_keys(settings)
    _refuse(loaded, wrong)


def require_keys(loaded: Loaded) -> None:
    """Likewise for the keys of redaction alone, without which nothing can be recorded."""
    _refuse(loaded, _unusable_keys(loaded.settings))


def _unusable_keys(settings: Settings) -> list[Fault]:
    return [Fault(key, message) for key, message in absent_keys(settings)]


def _refuse(loaded: Loaded, wrong: Sequence[Fault]) -> None:
    lines = [f"{_place(loaded, fault)}: {fault.message}" for fault in wrong]
    if lines:
        raise ConfigError("\n".join(lines))


def _place(loaded: Loaded, fault: Fault) -> str:
    """Where it was set; the file alone for a table that was given without a setting in it."""
    origin = loaded.origin(fault.key)
    return str(loaded.file or origin) if origin == "default" else origin


def _absent_of(service: str, settings: Section, *names: str) -> Iterator[Fault]:
    for name in names:
        path: Path | None = getattr(settings, name)
        if path is not None and not path.is_file():
            yield Fault((service, name), f"{service}.{name}: there is no file {path}")


def _absent_of_dashboard(settings: DashboardSettings) -> Iterator[Fault]:
    """Tokens of who may look, and of who is told of alarms."""
    alerts = settings.alerts
    for key, named in (
        (("tokens",), settings.tokens),
        (("alerts", "webhooks"), alerts.webhooks),
        (("alerts", "alertmanagers"), alerts.alertmanagers),
    ):
        for name, one in named.items():
            if one.token_file is not None and not one.token_file.is_file():
                where = ("dashboard", *key, name, "token_file")
                yield Fault(where, f"{'.'.join(where)}: there is no file {one.token_file}")


def _of_upstreams(loaded: Loaded) -> Iterator[Fault]:
    """Model servers that the logger cannot stand before, and none at all. They are no fault of
    another service; the logger may be told its own by a flag."""
    settings = loaded.settings
    if "logger" not in configured(settings):
        if any(key[0] == "logger" for key, told in loaded.origins.items() if told != "default"):
            yield Fault(("logger", "upstream"), _NO_SERVER)
        return
    for name, url, parse in (
        ("upstream", upstream(settings), parse_upstream),
        ("grpc_upstream", grpc_upstream(settings), parse_grpc_upstream),
    ):
        try:
            if url:
                parse(url)
        except ConfigError as exc:
            yield Fault(("logger", name), f"logger.{name}: {exc}")


def _absent_of_probes(key_file: Path | None) -> Iterator[Fault]:
    if key_file is not None and not key_file.is_file():
        yield Fault(("probes", "key_file"), f"probes.key_file: there is no file {key_file}")


def _absent_of_predictors(settings: Settings) -> Iterator[Fault]:
    for name, model in settings.models.items():
        for setting in ("model", "artifact", "ca_file", "cert_file", "key_file", "token_file"):
            path: Path | None = getattr(model.predictor, setting, None)
            if path is not None and not path.exists():
                key = ("models", name, "predictor", setting)
                yield Fault(key, f"{'.'.join(key)}: there is no file {path}")
