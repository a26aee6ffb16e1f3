"""Addresses of the model server that a proxy stands before: ``http://127.0.0.1:8080``."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from sidelight.errors import ConfigError

_TLS = ("https", "grpcs")


@dataclass(frozen=True)
class Upstream:
    """The one model server requests go to."""

    host: str
    port: int

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_grpc_upstream(address: str) -> Upstream:
    """``grpc://host:port``, ``http://host:port`` or ``host:port``."""
    bare = address.removeprefix("grpc://")
    return parse_upstream(bare if "://" in bare else f"http://{bare}")


def parse_upstream(url: str) -> Upstream:
    """``http://host:port``; nothing else, since paths are forwarded as they come."""
    parts = urlsplit(url)
    try:
        port = parts.port or 80
    except ValueError as exc:
        raise ConfigError(f"upstream {url!r}: {exc}; write http://host:port") from exc
    if parts.scheme in _TLS:
        raise ConfigError(
            f"upstream {url!r}: TLS is not spoken to it; name the model server's port without TLS,"
            " http://host:port"
        )
    if parts.scheme == "grpc":
        raise ConfigError(f"upstream {url!r}: name it as logger.grpc_upstream, or --grpc-upstream")
    if parts.scheme != "http" or not parts.hostname:
        raise ConfigError(f"upstream {url!r}: write http://host:port")
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
        raise ConfigError(f"upstream {url!r}: only a host and a port; paths are forwarded as sent")
    return Upstream(parts.hostname, port)
