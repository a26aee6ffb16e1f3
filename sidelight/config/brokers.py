"""Addresses of a log on Kafka: ``kafka://broker-1:9092,broker-2:9092/prefix``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sidelight.config.addresses import Listen
from sidelight.errors import ConfigError

SCHEME = "kafka://"
DEFAULT_PORT = 9092
MAX_PREFIX = 200
"""Characters; Kafka takes topics of up to 249, and ours stand behind the prefix and a dot."""

_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9a-fA-F:.%]+")
_LEGAL = re.compile(r"[A-Za-z0-9._-]*")
_SHAPE = "write kafka://HOST:PORT,HOST:PORT/PREFIX"


@dataclass(frozen=True)
class KafkaAddress:
    """Where to begin, ``host:port`` each, and what the log's topics are prefixed with."""

    servers: tuple[str, ...]
    prefix: str

    @classmethod
    def parse(cls, url: str) -> KafkaAddress:
        """Raises `ConfigError` unless the text is ``kafka://HOST[:PORT],.../PREFIX``."""
        servers, _, prefix = url.removeprefix(SCHEME).partition("/")
        if "@" in servers:
            raise ConfigError(
                "log.url holds a user; name the user in log.kafka.username and the password in"
                " log.kafka.password_file"
            )
        if not url.startswith(SCHEME):
            raise ConfigError(f"log.url is {url!r}; {_SHAPE}")
        prefix = prefix.removesuffix("/")
        if (reason := _unfit(prefix)) is not None:
            raise ConfigError(f"log.url is {url!r}: the prefix {prefix!r} {reason}")
        return cls(tuple(_server(url, one) for one in servers.split(",")), prefix)

    def topic(self, name: str) -> str:
        """What Kafka calls a topic of the log: ``prefix.inference``."""
        return f"{self.prefix}.{name}" if self.prefix else name


def is_kafka(url: str) -> bool:
    """Whether the address names a log on Kafka."""
    return url.startswith(SCHEME)


def _server(url: str, text: str) -> str:
    alone = ":" not in text or text.endswith("]")
    try:
        server = Listen.parse(f"{text}:{DEFAULT_PORT}" if alone else text)
    except ConfigError:
        server = Listen("", 0)
    if not _HOST.fullmatch(server.host) or server.port == 0:
        raise ConfigError(f"log.url is {url!r}: {text!r} is not HOST:PORT; {_SHAPE}")
    return str(server)


def _unfit(prefix: str) -> str | None:
    if not _LEGAL.fullmatch(prefix):
        return "may hold letters, digits, '.', '_' and '-' only; choose another"
    if prefix.strip(".") == "" and prefix:
        return "is made of dots only; choose another"
    if len(prefix) > MAX_PREFIX:
        return f"has {len(prefix)} characters; choose one of {MAX_PREFIX} at most"
    return None
