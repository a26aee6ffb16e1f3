"""Addresses to listen on: ``127.0.0.1:9081``, ``[::1]:9081``, ``0.0.0.0:0`` for any free port."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address

from sidelight.errors import ConfigError

_EVERY = ("0.0.0.0", "::")  # noqa: S104 - recognised, not bound


@dataclass(frozen=True)
class Listen:
    """Where a service listens."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Listen:
        """Raises `ConfigError` unless the text is ``HOST:PORT``."""
        host, colon, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
        # isdecimal alone takes other scripts' digits, which int() reads but nobody means.
        if not (host and colon and port.isascii() and port.isdecimal() and int(port) < 1 << 16):
            raise ConfigError(f"{text!r} is not an address to listen on; write 127.0.0.1:9081")
        return cls(host, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """An address a person on this machine can open."""
        return f"http://{Listen(self.reachable, self.port)}"

    @property
    def reachable(self) -> str:
        """A host by which this machine reaches it."""
        return "localhost" if self.host in _EVERY else self.host

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        with suppress(ValueError):
            return ip_address(self.host).is_loopback
        return self.host == "localhost"

    def collides_with(self, other: Listen) -> bool:
        """True when both cannot be listened on at once."""
        if self.port != other.port or self.port == 0:
            return False
        return self.host == other.host or self.host in _EVERY or other.host in _EVERY
