"""The least rights of each service on Kafka, and the commands that give them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sidelight.config.brokers import KafkaAddress
from sidelight.log.topics import ALARMS, ALL, DEAD_LETTERS, HALVES, INFERENCE, PANES, RESULTS, STATE

SERVICES = {
    "admin": "who runs 'sidelight topics --create'",
    "logger": "the logger: its shipper writes, and reads nothing",
    "joiner": "the joiner; let it READ the foreign topics too",
    "detectors": "the detectors",
    "dashboard": "the dashboard and 'sidelight log': they only read",
}
"""Whose rights there are; each stands for a Kafka user of that name."""

_READS = {
    "joiner": (HALVES, STATE),
    "detectors": (INFERENCE, PANES, RESULTS, ALARMS, STATE),
    "dashboard": ALL,
}
_WRITES = {
    "logger": (INFERENCE, DEAD_LETTERS),
    "joiner": (INFERENCE, HALVES, DEAD_LETTERS, STATE),
    "detectors": (PANES, RESULTS, ALARMS, DEAD_LETTERS, STATE),
}
_GROUPS = ("joiner", "detectors")


@dataclass(frozen=True)
class Grant:
    """What a user may do with topics, or with every group whose name begins so."""

    user: str
    resource: Literal["topic", "group"]
    names: tuple[str, ...]
    operations: tuple[str, ...]


def grants(address: KafkaAddress, service: str) -> Iterator[Grant]:
    """The rights of one of `SERVICES`. Reading and writing bring DESCRIBE with them."""
    together: dict[tuple[str, ...], tuple[str, ...]] = {}
    for topic in ALL:
        operations = tuple(_operations(service, topic))
        together[operations] = (*together.get(operations, ()), address.topic(topic))
    for operations, names in together.items():
        if operations:
            yield Grant(service, "topic", names, operations)
    if service in _GROUPS:
        yield Grant(service, "group", (address.topic(""),), ("READ",))


def commands(address: KafkaAddress, service: str) -> Iterator[str]:
    """The rights as lines for a shell that has Kafka's own tools."""
    for grant in grants(address, service):
        words = [f"--operation {_spelt(one)}" for one in grant.operations]
        words += [f"--{grant.resource} {name or _EVERY}" for name in grant.names]
        if grant.resource == "group" and grant.names[0]:
            words.append("--resource-pattern-type prefixed")
        yield (
            f"kafka-acls --bootstrap-server {','.join(address.servers)} --add"
            f" --allow-principal User:{grant.user} {' '.join(words)}"
        )


_EVERY = "'*'"


def _operations(service: str, topic: str) -> Iterator[str]:
    if service == "admin":
        yield from ("CREATE", "DESCRIBE", "DESCRIBE_CONFIGS")
    if topic in _READS.get(service, ()):
        yield "READ"
    if topic in _WRITES.get(service, ()):
        # Who sees the topic's limit is told of a record that is too large before anything is sent.
        yield from ("WRITE", "DESCRIBE_CONFIGS")


def _spelt(operation: str) -> str:
    return operation.title().replace("_", "")
