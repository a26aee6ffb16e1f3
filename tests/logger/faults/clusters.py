"""Several Kafka nodes as one cluster: the first controls it, and each of the others may fall."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from operator import itemgetter
from pathlib import Path

from kafka import KafkaAdminClient

from sidelight.demo.broker import Broker, Listeners, NodeSettings

CONTROLLER = 1


@contextmanager
def cluster(folder: Path, followers: int) -> Iterator[list[Broker]]:
    """The controlling node first, then those that may be killed."""
    listeners = Listeners.free("PLAINTEXT")
    shared = uuid.uuid4()
    with ExitStack() as running:
        first = Broker(folder / "1", NodeSettings(cluster=shared), listeners=listeners)
        brokers = [running.enter_context(first)]
        for number in range(CONTROLLER + 1, CONTROLLER + 1 + followers):
            one = _follower(folder / str(number), number, shared, listeners.controller)
            brokers.append(running.enter_context(one))
        yield brokers


def _follower(folder: Path, number: int, shared: uuid.UUID, controller: int) -> Broker:
    listeners = Listeners.free("PLAINTEXT")
    settings = NodeSettings(
        properties={
            "process.roles": "broker",
            "node.id": str(number),
            "controller.quorum.voters": f"{CONTROLLER}@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://127.0.0.1:{listeners.clients['PLAINTEXT']}",
        },
        cluster=shared,
    )
    return Broker(folder, settings, listeners=listeners)


def leaders(brokers: Sequence[Broker], topic: str) -> tuple[int, ...]:
    """The node that leads each partition."""
    admin = KafkaAdminClient(bootstrap_servers=[one.bootstrap for one in brokers])
    try:
        [described] = admin.describe_topics([topic])
    finally:
        admin.close()
    parts = sorted(described["partitions"], key=itemgetter("partition_index"))
    return tuple(int(one["leader_id"]) for one in parts)
