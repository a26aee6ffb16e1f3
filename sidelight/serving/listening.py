"""Sockets to listen on, bound before anybody is told of them."""

from __future__ import annotations

import os
import socket

from sidelight.config import Listen
from sidelight.errors import ConfigError

_BACKLOG = 1024


def bound(name: str, address: str) -> socket.socket:
    """The socket of the setting `name`; `ConfigError` when the address is taken."""
    listen = Listen.parse(address)
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    is_every = listen.host == "::" and socket.has_dualstack_ipv6()
    try:
        return socket.create_server(
            (listen.host, listen.port), family=family, backlog=_BACKLOG, dualstack_ipv6=is_every
        )
    except OSError as exc:
        reason = exc.strerror if isinstance(exc, socket.gaierror) else os.strerror(exc.errno or 0)
        raise ConfigError(
            f"{name}: cannot listen on {address}: {reason}; "
            f"stop what listens there, or give {name} an address of this machine that is free"
        ) from exc
