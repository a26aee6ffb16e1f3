"""`sidelight up`: all services of the file, as supervised processes on this machine."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from sidelight.command import extras
from sidelight.command.options import Config
from sidelight.errors import ConfigError, MissingExtra

if TYPE_CHECKING:
    from sidelight.config import Loaded
    from sidelight.supervise import Process


LOGGER = "logger"
DASHBOARD = "dashboard"


def up(
    config: Config = None,
    grace_seconds: Annotated[
        float, typer.Option(min=0, help="Time the services have to finish when stopped.")
    ] = 30.0,
) -> None:
    """Run all services of the file until Ctrl-C; a crashed one is started again."""
    from sidelight import telemetry
    from sidelight.command.banner import banner
    from sidelight.command.readiness import when_ready
    from sidelight.config import load
    from sidelight.config.files import require_files
    from sidelight.config.services import configured
    from sidelight.supervise import supervise

    loaded = load(config)
    require_files(loaded)
    services = _installed(configured(loaded.settings), loaded)
    _require(services, loaded)
    telemetry.configure("up")
    for line in banner(loaded, services):
        typer.echo(line, err=True)
    # Stopped in the reverse order: first no more traffic, then what reads it.
    processes = [process(service, loaded) for service in reversed(services)]
    when_ready(loaded.settings, services, _tell_ready)
    raise typer.Exit(
        supervise(
            processes,
            grace_seconds=grace_seconds,
            on_event=partial(telemetry.tell_process, "sidelight.up"),
        )
    )


def process(service: str, loaded: Loaded) -> Process:
    """The child process that runs one service of the configuration.

    Only the logger is essential: predictions go through it, and must not end with a watcher.
    """
    from sidelight.supervise import Process

    argv = [sys.executable, "-m", "sidelight.command", service]
    if loaded.file is not None:
        argv += ["--config", str(loaded.file)]
    return Process(service, argv, essential=service == LOGGER)


def _installed(services: tuple[str, ...], loaded: Loaded) -> tuple[str, ...]:
    """Without the dashboard where its extra is not there and no setting speaks of it."""
    asked_for = "dashboard" in loaded.settings.model_fields_set
    if DASHBOARD in services and not asked_for and extras.missing(DASHBOARD):
        typer.echo("no dashboard: pip install 'sidelight[dashboard]' brings it", err=True)
        return tuple(one for one in services if one != DASHBOARD)
    return services


def _require(services: tuple[str, ...], loaded: Loaded) -> None:
    if not services and loaded.file is None:
        raise ConfigError(
            "nothing to run: there is no sidelight.yaml in this folder; write one, name one with "
            "--config, or see 'sidelight demo'"
        )
    if not services:
        raise ConfigError(
            "nothing to run: name a model with detectors or explainers, or logger.upstream"
        )
    needed = dict.fromkeys(map(extras.extra_of, services))
    absent = [extra for extra in needed if extras.missing(extra)]
    if absent:
        wanted = ",".join(absent)
        raise MissingExtra(f"{wanted}: not installed; run: pip install 'sidelight[{wanted}]'")


def _tell_ready(seconds: float) -> None:
    import structlog

    structlog.get_logger("sidelight.up").info("all services ready", seconds=round(seconds, 1))
