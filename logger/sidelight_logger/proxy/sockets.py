"""Socket options that asyncio leaves to us."""

from __future__ import annotations

import asyncio
import socket
import struct

_IDLE_SECONDS, _INTERVAL_SECONDS, _PROBES = 60, 15, 4


def keep_probing(transport: asyncio.Transport) -> None:
    """Notice a peer that vanished without a word: no timeout bounds an answer that is awaited."""
    sock: socket.socket = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE") and sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _IDLE_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _INTERVAL_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)


def reset(transport: asyncio.Transport) -> None:
    """Close with a reset, so that a body which ends by closing is not taken for whole."""
    sock: socket.socket = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
