"""Starts proxy, recorder and shippers as supervised processes.

This process binds the sockets and hands them down, so while one of them is started again,
connections queue and nobody is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from sidelight import telemetry
from sidelight.config import Listen, Settings, load
from sidelight.config.capturing.sink_packages import require_packages
from sidelight.config.files import require_keys
from sidelight.supervise import Event, Process, Restarts, supervise
from sidelight_logger.banner import banner
from sidelight_logger.parts import RECORDER, SHIPPER, Part
from sidelight_logger.proxy import process as proxy
from sidelight_logger.proxy.settings import Limits, ProxySettings
from sidelight_logger.servers import Servers, servers
from sidelight_logger.shipper.routes import routes
from sidelight_logger.sockets import Sockets, address_of, opened
from sidelight_logger.wire import tally

_RESTARTS = Restarts(first_wait_seconds=0.1, longest_wait_seconds=0.4)
"""No process is given up: without the proxy there are no predictions at all. However often it
falls, it is back within two seconds, most of which it needs to start."""
_SHARED = 0.9
"""Of the grace period, among the processes that end one after the other: predictions under way get
half, however many sinks there are, recorder and shippers the other."""


def run(config: Path | None, flags: Mapping[str, Any], grace_seconds: float) -> int:
    """Run until stopped; the exit code.

    Raises `ConfigError` or `MissingExtra` before anything is started.
    """
    loaded = load(config, flags)
    settings = loaded.settings
    require_packages(settings)
    require_keys(loaded)
    behind = servers(settings)
    with opened(settings.logger, forwards=behind is not None) as sockets:
        part = _part(config, flags, settings, sockets, grace_seconds)
        telemetry.configure("logger")
        for line in banner(settings, behind, sockets):
            typer.echo(line, err=True)
        processes = list(_processes(part, settings))
        if behind:
            processes.append(_proxy(part, settings, behind, sockets))

        def told(event: Event) -> None:
            telemetry.tell_process("sidelight.logger", event)
            if (event.kind, event.process) == ("stopped", "proxy"):
                for each in sockets.traffic:
                    each.close()  # who comes now is refused at once, not kept waiting for nobody

        return supervise(processes, grace_seconds=grace_seconds, on_event=told, restarts=_RESTARTS)


def _part(
    config: Path | None,
    flags: Mapping[str, Any],
    settings: Settings,
    sockets: Sockets,
    grace_seconds: float,
) -> Part:
    """What recorder and shippers are told alike."""
    logger, http, guests = settings.logger, sockets.http, sockets.guests
    listen = address_of(http) if http else logger.listen
    return Part(
        config=str(config) if config else None,
        socket=sockets.recorder.getsockname(),
        listen=listen if http else str(logger.socket),
        source=logger.source or f"http://localhost:{Listen.parse(listen).port}/",
        grace_seconds=grace_seconds * _SHARED / 2 / _behind(settings),
        flags=flags,
        recorder_fd=sockets.recorder.fileno(),
        metrics_fd=sockets.metrics.fileno(),
        tally_fd=tally.shared() if http else -1,
        guests_fd=guests.fileno() if guests else -1,
    )


def _processes(part: Part, whole: Settings) -> Iterator[Process]:
    """In the order of starting: traffic comes last, and ends first."""
    for route in routes(whole).values():
        command = replace(part, route=route.name).command(SHIPPER)
        yield Process(f"shipper {route.name}", command, essential=False)
    fds = (part.recorder_fd, part.metrics_fd, part.tally_fd, part.guests_fd)
    inherited = tuple(fd for fd in fds if fd >= 0)
    yield Process("recorder", part.command(RECORDER), pass_fds=inherited, essential=False)


def _behind(settings: Settings) -> int:
    """Processes that end after the proxy: recorder and shippers."""
    return 1 + len(routes(settings))


def _proxy(part: Part, whole: Settings, behind: Servers, sockets: Sockets) -> Process:
    fds = [each.fileno() for each in sockets.traffic]
    settings, weight = whole.logger, _behind(whole)
    limits = replace(
        Limits(), grace_seconds=part.grace_seconds * weight, quiet_seconds=settings.quiet_seconds
    )
    forwarding = ProxySettings(
        behind.http,
        Path(part.socket),
        settings.max_body,
        settings.buffer_bytes,
        settings.return_request_id,
        limits=limits,
        grpc_upstream=behind.grpc,
        trace_context=settings.trace_context,
    )
    url = f"http://{behind.http.authority}"
    command = proxy.command(forwarding, url, fds[0], part.tally_fd, *fds[1:])
    inherited = (*fds, part.tally_fd)
    return Process("proxy", command, pass_fds=inherited, essential=False, weight=weight)
