"""What a broker is told: its folder, its ports, and properties for one small node."""

from __future__ import annotations

import random
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_HOST = "127.0.0.1"
# Below the range that outgoing connections take their ports from. A client that retries a stopped
# broker on a port of that range can connect to itself, and then the broker cannot come back.
_PORTS = range(20_000, 32_000)


@dataclass(frozen=True)
class Listeners:
    """The broker's ports: one a client protocol (``PLAINTEXT``, ``SASL_SSL``...), and its own."""

    clients: Mapping[str, int]
    controller: int

    @classmethod
    def free(cls, *protocols: str) -> Listeners:
        """Free ports of 127.0.0.1."""
        ports = _free_ports(len(protocols) + 1)
        return cls(dict(zip(protocols, ports, strict=False)), ports[-1])


@dataclass(frozen=True)
class NodeSettings:
    """A node beyond its defaults.

    The first protocol is also the one that the broker itself speaks. `users` are name and password
    for SCRAM-SHA-512, known before the first start. Nodes of one cluster share `cluster`, its id;
    `properties` say who they are in it. None: a cluster of its own.
    """

    protocols: tuple[str, ...] = ("PLAINTEXT",)
    properties: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict)
    cluster: uuid.UUID | None = None


def server_properties(folder: Path, listeners: Listeners, settings: NodeSettings) -> str:
    """The text of ``server.properties``."""
    addresses = [f"{name}://{_HOST}:{port}" for name, port in listeners.clients.items()]
    protocols = [f"{name}:{name}" for name in listeners.clients]
    properties = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{_HOST}:{listeners.controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": ",".join([*addresses, f"CONTROLLER://{_HOST}:{listeners.controller}"]),
        "advertised.listeners": ",".join(addresses),
        "listener.security.protocol.map": ",".join([*protocols, "CONTROLLER:PLAINTEXT"]),
        "inter.broker.listener.name": next(iter(listeners.clients)),
        "log.dirs": str(folder / "data"),
        **_SMALL,
        **settings.properties,
    }
    return "".join(f"{key}={value}\n" for key, value in properties.items())


_SMALL = {
    "num.network.threads": "2",
    "num.io.threads": "2",
    "background.threads": "2",
    "num.recovery.threads.per.data.dir": "1",
    "auto.create.topics.enable": "false",
    "auto.leader.rebalance.enable": "false",
    "delete.topic.enable": "true",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    # A group begins at once instead of waiting three seconds for others to join.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    # A killed node must wait until its former self is forgotten: nine seconds by default.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    # Defaults reserve 128 MiB of heap for compaction and 20 MiB of address space a partition.
    "log.cleaner.dedupe.buffer.size": "2097152",
    "log.index.size.max.bytes": "1048576",
}
"""One node with a small heap, and tests that make many partitions."""


def _free_ports(count: int) -> list[int]:
    found: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        if is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"no {count} free ports between {_PORTS.start} and {_PORTS.stop} of {_HOST}")


def is_free(port: int) -> bool:
    """Whether 127.0.0.1 can be listened on there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
        return True
