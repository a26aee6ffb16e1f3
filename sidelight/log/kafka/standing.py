"""What a log's topics are on its brokers, beside what they should be; makes those that are not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import (
    NoError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from sidelight.config.settings import LogSettings
from sidelight.errors import LogDenied, LogError
from sidelight.log.kafka.dialling import dial
from sidelight.log.kafka.failures import translated
from sidelight.log.kafka.plans import TopicPlan, plans

_WAIT_SECONDS = 10.0
_RIGHTS = "'sidelight topics --acls' lists the rights of each service"


@dataclass(frozen=True)
class Standing:
    """One topic as it should be and as it is.

    `partitions` is 0 when there is no such topic. `configs` is None when they may not be read.
    """

    plan: TopicPlan
    partitions: int
    replication: int
    configs: Mapping[str, str] | None

    @property
    def is_missing(self) -> bool:
        return self.partitions == 0


def standings(log: LogSettings) -> list[Standing]:
    """Every topic of the log, as it is now.

    Raises `LogUnreachable`, and `LogDenied` when a topic may not be seen.
    """
    wanted = plans(log)
    with _admin(log) as admin:
        described = admin.describe_topics([plan.name for plan in wanted])
        by_name = {topic["name"]: topic for topic in described}
        found = {plan.name: by_name[plan.name] for plan in wanted if _is_there(by_name[plan.name])}
        configs = _configs(admin, [plan for plan in wanted if plan.name in found])
    return [_standing(plan, found.get(plan.name), configs.get(plan.name)) for plan in wanted]


def create(log: LogSettings, missing: Sequence[TopicPlan]) -> None:
    """Make the topics; one that was made meanwhile stays as it is.

    Raises `LogDenied` without the right to, `LogError` with Kafka's reason otherwise.
    """
    wishes = {plan.name: _wish(plan) for plan in missing}
    with _admin(log) as admin:
        for topic in admin.create_topics(wishes, raise_errors=False)["topics"]:
            _require_made(log, topic)
        admin.wait_for_topics(list(wishes))


@contextmanager
def _admin(log: LogSettings) -> Iterator[KafkaAdminClient]:
    seconds = min(log.kafka.timeout_seconds, _WAIT_SECONDS)
    admin = dial(KafkaAdminClient, log, seconds=seconds)
    try:
        with translated("topics"):
            yield admin
    finally:
        admin.close()


def _is_there(topic: Mapping[str, Any]) -> bool:
    code = topic["error_code"]
    if code == TopicAuthorizationFailedError.errno:
        raise LogDenied(
            f"Kafka does not let this user see {topic['name']}; ask for DESCRIBE on it, {_RIGHTS}"
        )
    if code not in (NoError.errno, UnknownTopicOrPartitionError.errno):
        raise LogError(f"Kafka does not describe {topic['name']}: error {code}; try again")
    return bool(code == NoError.errno)


def _configs(
    admin: KafkaAdminClient, there: Sequence[TopicPlan]
) -> dict[str, dict[str, str] | None]:
    """By topic; None where Kafka gives nothing, which is how kafka-python tells a missing right."""
    asked = [
        ConfigResource(ConfigResourceType.TOPIC, plan.name, dict.fromkeys(plan.configs, ""))
        for plan in there
    ]
    answer = admin.describe_configs(asked, config_filter="all")["topic"] if asked else {}
    return {
        name: {key: str(config["value"]) for key, config in configs.items()} or None
        for name, configs in answer.items()
    }


def _standing(
    plan: TopicPlan, topic: Mapping[str, Any] | None, configs: Mapping[str, str] | None
) -> Standing:
    if topic is None:
        return Standing(plan, 0, 0, None)
    copies = min(len(partition["replica_nodes"]) for partition in topic["partitions"])
    return Standing(plan, len(topic["partitions"]), copies, configs)


def _wish(plan: TopicPlan) -> dict[str, Any]:
    return {
        "num_partitions": plan.partitions,
        "replication_factor": plan.replication,
        "configs": dict(plan.configs),
    }


def _require_made(log: LogSettings, topic: Mapping[str, Any]) -> None:
    code, name, said = topic["error_code"], topic["name"], topic["error_message"]
    if code == TopicAuthorizationFailedError.errno:
        user = log.kafka.username or "this client"
        raise LogDenied(
            f"Kafka does not let {user} create {name}; ask for CREATE on it, or have the topics"
            f" made by who may; {_RIGHTS}"
        )
    if code not in (NoError.errno, TopicAlreadyExistsError.errno):
        raise LogError(f"Kafka did not create {name}: {said or f'error {code}'}")
