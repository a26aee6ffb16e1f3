"""Starts proxy, recorder and shippers as supervised processes.

This process binds the sockets and hands them down, so while one of them is started again,
connections queue and nobody is refused.
"""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from sidelight import telemetry
from sidelight.config import Listen, Loaded, Settings, load
from sidelight.config.capturing.sink_packages import require_packages
from sidelight.config.files import require_keys
from sidelight.config.listing import shown
from sidelight.config.services import recorded
from sidelight.config.settings import LoggerSettings
from sidelight.log.scope import place
from sidelight.supervise import Event, Process, Restarts, supervise
from sidelight_logger.door import door
from sidelight_logger.listening import bound
from sidelight_logger.parts import RECORDER, SHIPPER, Part
from sidelight_logger.proxy import process as proxy
from sidelight_logger.proxy.settings import Limits, ProxySettings
from sidelight_logger.servers import Servers, servers
from sidelight_logger.shipper.routes import routes
from sidelight_logger.wire import tally

_RESTARTS = Restarts(first_wait_seconds=0.1, longest_wait_seconds=0.4)
"""No process is given up: without the proxy there are no predictions at all. However often it
falls, it is back within two seconds, most of which it needs to start."""
_SHARED = 0.9
"""Of the grace period, among the processes that end one after the other."""


def run(config: Path | None, flags: Mapping[str, Any], grace_seconds: float) -> int:
    """Run until stopped; the exit code.

    Raises `ConfigError` or `MissingExtra` before anything is started.
    """
    loaded = load(config, flags)
    settings = loaded.settings.logger
    require_packages(loaded.settings)
    require_keys(loaded)
    behind = servers(loaded.settings)
    with (
        bound("logger.listen", settings.listen) if behind else nullcontext() as listener,
        _bound_grpc(settings) if behind else nullcontext() as grpc_listener,
        bound("logger.metrics", settings.metrics) as metrics,
        tempfile.TemporaryDirectory(prefix="sidelight-") as folder,
        _bound_unix(Path(folder) / "recorder") as recorder,
        door(settings.socket) as guests,
    ):
        listen = _address(listener) if listener else settings.listen
        part = Part(
            config=str(config) if config else None,
            socket=recorder.getsockname(),
            listen=listen if listener else str(settings.socket),
            source=settings.source or f"http://localhost:{Listen.parse(listen).port}/",
            grace_seconds=grace_seconds * _SHARED / (2 + len(routes(loaded.settings))),
            flags=flags,
            recorder_fd=recorder.fileno(),
            metrics_fd=metrics.fileno(),
            tally_fd=tally.shared() if listener else -1,
            guests_fd=guests.fileno() if guests else -1,
        )
        telemetry.configure("logger")
        rpc = _address(grpc_listener) if grpc_listener else listen
        for line in (*_banner_traffic(behind, listen, rpc), *_banner(loaded, _address(metrics))):
            typer.echo(line, err=True)
        processes = list(_processes(part, loaded.settings))
        listeners = [each for each in (listener, grpc_listener) if each]
        if behind:
            processes.append(_proxy(part, settings, behind, [each.fileno() for each in listeners]))

        def told(event: Event) -> None:
            telemetry.tell_process("sidelight.logger", event)
            if (event.kind, event.process) == ("stopped", "proxy"):
                for each in listeners:
                    each.close()  # who comes now is refused at once, not kept waiting for nobody

        return supervise(processes, grace_seconds=grace_seconds, on_event=told, restarts=_RESTARTS)


def _bound_grpc(settings: LoggerSettings) -> AbstractContextManager[socket.socket | None]:
    """Bound only if it is asked for: `listen` takes gRPC too."""
    if settings.grpc_listen is None:
        return nullcontext()
    return bound("logger.grpc_listen", settings.grpc_listen)


def _processes(part: Part, whole: Settings) -> Iterator[Process]:
    """In the order of starting: traffic comes last, and ends first."""
    for route in routes(whole).values():
        command = replace(part, route=route.name).command(SHIPPER)
        yield Process(f"shipper {route.name}", command, essential=False)
    fds = (part.recorder_fd, part.metrics_fd, part.tally_fd, part.guests_fd)
    inherited = tuple(fd for fd in fds if fd >= 0)
    yield Process("recorder", part.command(RECORDER), pass_fds=inherited, essential=False)


def _proxy(part: Part, settings: LoggerSettings, behind: Servers, fds: list[int]) -> Process:
    quiet = settings.quiet_seconds
    forwarding = ProxySettings(
        behind.http,
        Path(part.socket),
        settings.max_body,
        settings.buffer_bytes,
        settings.return_request_id,
        limits=replace(Limits(), grace_seconds=part.grace_seconds, quiet_seconds=quiet),
        grpc_upstream=behind.grpc,
        trace_context=settings.trace_context,
    )
    url = f"http://{behind.http.authority}"
    command = proxy.command(forwarding, url, fds[0], part.tally_fd, *fds[1:])
    return Process("proxy", command, pass_fds=(*fds, part.tally_fd), essential=False)


def _bound_unix(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return str(Listen(host, port))


def _banner_traffic(behind: Servers | None, listen: str, rpc: str) -> Iterator[str]:
    yield "Sidelight logger"
    if behind:
        yield f"  traffic   {Listen.parse(listen).url}  ->  http://{behind.http.authority}"
        yield f"  grpc      {rpc}  ->  {behind.grpc.authority}"


def _banner(loaded: Loaded, metrics: str) -> Iterator[str]:
    settings = loaded.settings
    written = recorded(settings).url
    if settings.logger.socket:
        yield f"  socket    {settings.logger.socket}"
    yield f"  metrics   {Listen.parse(metrics).url}/metrics"
    yield f"  log       {_place(settings.log.url)}"
    if written != settings.log.url:
        yield f"  spool     {_place(written)}"
    for name, sink in settings.logger.sinks.items():
        yield f"  sink      {name}: {shown(sink.url)}  ({sink.form})"


def _place(url: str) -> str:
    kept = place(url)
    return shown(url) if kept is None else kept.sentence
