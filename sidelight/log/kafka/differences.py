"""How a topic differs from what it should be, and what puts it right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sidelight.config.brokers import KafkaAddress
from sidelight.log.kafka.standing import Standing


@dataclass(frozen=True)
class Difference:
    """A property of a topic as it is and as it should be, and how it becomes that."""

    topic: str
    name: str
    found: str
    wanted: str
    way_out: str

    def __str__(self) -> str:
        return f"{self.topic}: {self.name} is {self.found}, wanted {self.wanted}; {self.way_out}"


def differences(standing: Standing, address: KafkaAddress) -> Iterator[Difference]:
    """All of a topic, none of one that is not there."""
    plan = standing.plan
    if standing.is_missing:
        return
    if standing.partitions != plan.partitions:
        yield _of_number("partitions", standing.partitions, plan.partitions, plan.name, _FIXED)
    if standing.replication != plan.replication:
        yield _of_number("replication", standing.replication, plan.replication, plan.name, _COPIES)
    if standing.configs is None:
        yield Difference(plan.name, "configuration", "not readable", "as in docs/kafka.md", _READ)
        return
    for name, wanted in plan.configs.items():
        found = standing.configs.get(name, "not set")
        if found != wanted:
            yield Difference(
                plan.name, name, found, wanted, _alter(address, plan.name, f"{name}={wanted}")
            )


_FIXED = "it is fixed for a prefix: set log.partitions to what is there, or choose another prefix"
_COPIES = "set log.kafka.replication to what is there, or run kafka-reassign-partitions"
_READ = "ask for DESCRIBE_CONFIGS on the topic, or have it checked by who has it"


def _of_number(name: str, found: int, wanted: int, topic: str, way_out: str) -> Difference:
    return Difference(topic, name, str(found), str(wanted), way_out)


def _alter(address: KafkaAddress, topic: str, wanted: str) -> str:
    servers = ",".join(address.servers)
    return (
        f"run kafka-configs --bootstrap-server {servers} --alter --entity-type topics"
        f" --entity-name {topic} --add-config {wanted}"
    )
