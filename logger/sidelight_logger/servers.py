"""The model server behind the proxy, found from all settings."""

from __future__ import annotations

from dataclasses import dataclass

from sidelight.config import Settings
from sidelight.config.services import grpc_upstream, upstream
from sidelight.errors import ConfigError
from sidelight.upstreams import Upstream, parse_grpc_upstream, parse_upstream


@dataclass(frozen=True)
class Servers:
    """Where HTTP/1 goes, and where HTTP/2 does; often to one port."""

    http: Upstream
    grpc: Upstream


def servers(settings: Settings) -> Servers | None:
    """None when model servers log by themselves, and nothing is forwarded.

    Raises `ConfigError` for an address that is none, and when there should be one.
    """
    logger = settings.logger
    by_themselves = logger.socket is not None
    url = logger.upstream if by_themselves else upstream(settings)
    grpc = logger.grpc_upstream if by_themselves else grpc_upstream(settings)
    http = parse_upstream(url) if url else None
    rpc = parse_grpc_upstream(grpc) if grpc else http
    if rpc is not None:
        return Servers(http or rpc, rpc)
    if by_themselves:
        return None
    raise ConfigError(
        "logger.upstream: no model server is named; set it, or --upstream http://127.0.0.1:8080"
        " (or logger.socket, if it logs by itself)"
    )
