"""The proxy's process: ``python -m sidelight_logger.proxy.process --fd 3 --upstream http://...``."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import resource
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import uvloop

from sidelight.errors import ConfigError
from sidelight.upstreams import Upstream, parse_grpc_upstream, parse_upstream
from sidelight_logger.correlation import TraceContext
from sidelight_logger.proxy.readiness import probes_of
from sidelight_logger.proxy.service import Proxy
from sidelight_logger.proxy.settings import Limits, ProxySettings
from sidelight_logger.wire import tally
from sidelight_logger.wire.tally import Cells

_USAGE_ERROR = 2


def command(
    settings: ProxySettings, url: str, fd: int, tally_fd: int = -1, grpc_fd: int = -1
) -> list[str]:
    """The command line that runs such a proxy on inherited sockets and inherited counters."""
    arguments = {
        "fd": fd,
        "tally-fd": tally_fd,
        "grpc-fd": grpc_fd,
        "upstream": url,
        "max-body": settings.max_body,
        "buffer-bytes": settings.buffer_bytes,
        "grace-seconds": settings.limits.grace_seconds,
        "quiet-seconds": settings.limits.quiet_seconds,
        "trace-context": settings.trace_context,
    }
    line = [sys.executable, "-m", __spec__.name]
    line += [part for name, value in arguments.items() for part in (f"--{name}", str(value))]
    if settings.recorder is not None:
        line += ["--recorder", str(settings.recorder)]
    if settings.grpc_upstream is not None:
        line += ["--grpc-upstream", settings.grpc_upstream.authority]
    return line if settings.return_request_id else [*line, "--keep-request-id"]


def run(listeners: Sequence[socket.socket], settings: ProxySettings, cells: Cells) -> int:
    """Serve until SIGTERM or SIGINT; the exit code."""
    allow_all_connections()
    # What is there now stays: the collector need not look at it again while requests wait.
    gc.freeze()
    return uvloop.run(_serve(listeners, settings, cells))


def allow_all_connections() -> None:
    """Raise the soft limit of open files, often 1024: an exchange needs two of them."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        upstream = parse_upstream(arguments.upstream)
        settings = ProxySettings(
            upstream=upstream,
            recorder=arguments.recorder,
            max_body=arguments.max_body,
            buffer_bytes=arguments.buffer_bytes,
            return_request_id=not arguments.keep_request_id,
            limits=replace(
                Limits(),
                grace_seconds=arguments.grace_seconds,
                quiet_seconds=arguments.quiet_seconds,
            ),
            grpc_upstream=_grpc_upstream(arguments.grpc_upstream),
            probes=probes_of(os.environ, upstream),
            trace_context=arguments.trace_context,
        )
        fds = [fd for fd in (arguments.fd, arguments.grpc_fd) if fd >= 0]
        listeners = [socket.socket(fileno=fd) for fd in fds]
        inherited = arguments.tally_fd
        cells = tally.mapped(inherited) if inherited >= 0 else tally.private()
    except (ConfigError, OSError) as exc:
        print(f"sidelight proxy: {exc}", file=sys.stderr)
        return _USAGE_ERROR
    return run(listeners, settings, cells)


def _grpc_upstream(address: str) -> Upstream | None:
    return parse_grpc_upstream(address) if address else None


async def _serve(listeners: Sequence[socket.socket], settings: ProxySettings, cells: Cells) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    cut, left = await Proxy(settings, cells).serve(listeners, stop)
    if cut or left:
        after = f"after {settings.limits.grace_seconds:g} s"
        told = f"{cut} connections cut and {left} exchanges not recorded {after}"
        print(f"sidelight proxy: {told}", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sidelight-proxy", description=__doc__)
    defaults = ProxySettings
    parser.add_argument("--fd", type=int, required=True, help="the listening socket, inherited")
    parser.add_argument(
        "--tally-fd", type=int, default=-1, help="shared counters, inherited; none: its own"
    )
    parser.add_argument(
        "--grpc-fd", type=int, default=-1, help="a second listening socket, inherited"
    )
    parser.add_argument(
        "--grpc-upstream", default="", help="the model server's gRPC, host:port; none: --upstream"
    )
    parser.add_argument("--upstream", required=True, help="the model server, http://host:port")
    parser.add_argument(
        "--recorder", type=Path, help="the recorder's unix socket; none: no capture"
    )
    parser.add_argument("--max-body", type=int, default=defaults.max_body)
    parser.add_argument("--buffer-bytes", type=int, default=defaults.buffer_bytes)
    parser.add_argument("--grace-seconds", type=float, default=Limits.grace_seconds)
    parser.add_argument("--quiet-seconds", type=float, default=Limits.quiet_seconds)
    parser.add_argument("--keep-request-id", action="store_true", help="not told to the client")
    parser.add_argument(
        "--trace-context", choices=get_args(TraceContext), default=defaults.trace_context
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
