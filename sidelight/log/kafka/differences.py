"""How a topic differs from what it should be, and what puts it right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sidelight.config.brokers import KafkaAddress
from sidelight.log.kafka.plans import TopicPlan
from sidelight.log.kafka.standing import Standing


@dataclass(frozen=True)
class Difference:
    """What of a topic is not as it should be, and how it becomes that."""

    topic: str
    told: str
    way_out: str


def differences(standing: Standing, address: KafkaAddress) -> Iterator[Difference]:
    """All of a topic, none of one that is not there."""
    plan = standing.plan
    if standing.is_missing:
        return
    if standing.partitions != plan.partitions:
        told = f"partitions is {standing.partitions}, wanted {plan.partitions}"
        yield Difference(plan.name, told, _FIXED)
    if standing.replication != plan.replication:
        told = f"replication is {standing.replication}, wanted {plan.replication}"
        yield Difference(plan.name, told, _COPIES)
    if standing.configs is None:
        yield Difference(plan.name, "configuration is not readable", _READ)
    elif other := _other(plan.configs, standing.configs):
        yield Difference(plan.name, ", ".join(other.values()), _alter(address, plan, other))


def _other(wanted: Mapping[str, str], found: Mapping[str, str]) -> dict[str, str]:
    """What is told of each property that has another value."""
    return {
        name: f"{name} is {found.get(name, 'not set')}, wanted {value}"
        for name, value in wanted.items()
        if found.get(name) != value
    }


_FIXED = "it is fixed for a prefix: set log.partitions to what is there, or choose another prefix"
_COPIES = "set log.kafka.replication to what is there, or run kafka-reassign-partitions"
_READ = "ask for DESCRIBE_CONFIGS on the topic, or have it checked by who has it"


def _alter(address: KafkaAddress, plan: TopicPlan, names: Iterable[str]) -> str:
    servers = ",".join(address.servers)
    wanted = ",".join(f"{name}={plan.configs[name]}" for name in names)
    return (
        f"run kafka-configs --bootstrap-server {servers} --alter --entity-type topics"
        f" --entity-name {plan.name} --add-config {wanted}"
    )
