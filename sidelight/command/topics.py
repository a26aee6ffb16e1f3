"""`sidelight topics`: whether a log's topics on Kafka are there and as they should be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from sidelight.command import extras
from sidelight.command.columns import columns
from sidelight.command.options import Config

if TYPE_CHECKING:
    from sidelight.config.settings import LogSettings
    from sidelight.log.kafka.standing import Standing

NOT_RIGHT = 1


def topics(
    config: Config = None,
    create: Annotated[bool, typer.Option("--create", help="Make the topics that miss.")] = False,
    acls: Annotated[
        bool, typer.Option("--acls", help="Print the least rights of each service instead.")
    ] = False,
) -> None:
    """Check the topics of a log on Kafka; exit 1 when one misses or is not as it should be."""
    from sidelight.config import load
    from sidelight.config.brokers import is_kafka

    log = load(config).settings.log
    if not is_kafka(log.url):
        typer.echo(f"{log.url} is a local log: it makes its topics by itself, nothing to do")
    elif acls:
        _tell_rights(log)
    else:
        _tell_topics(log, create)


def _tell_rights(log: LogSettings) -> None:
    from sidelight.config.brokers import KafkaAddress
    from sidelight.log.kafka.access import SERVICES, commands

    address = KafkaAddress.parse(log.url)
    for service, title in SERVICES.items():
        typer.echo(f"# {title}")
        for line in commands(address, service):
            typer.echo(line)


def _tell_topics(log: LogSettings, create: bool) -> None:
    try:
        from sidelight.log.kafka import standing
    except ImportError as exc:
        raise extras.refused("kafka", exc) from exc
    found = standing.standings(log)
    missing = [one.plan for one in found if one.partitions == 0]
    if missing and create:
        standing.create(log, missing)
        typer.echo(f"made {', '.join(plan.name for plan in missing)}")
        found = standing.standings(log)
    complaints = list(_complaints(log, found))
    for line in (*columns(_rows(log, found)), *complaints):
        typer.echo(line)
    if complaints:
        raise typer.Exit(NOT_RIGHT)


def _rows(log: LogSettings, found: Sequence[Standing]) -> list[tuple[str, ...]]:
    wrong = {line.partition(":")[0] for line in _complaints(log, found)}
    head = ("topic", "partitions", "replicas", "kept", "")
    return [head, *(_row(one, "differs" if one.plan.name in wrong else "right") for one in found)]


def _row(standing: Standing, verdict: str) -> tuple[str, ...]:
    if standing.partitions == 0:
        return (standing.plan.name, "", "", "", "not there")
    numbers = str(standing.partitions), str(standing.replication)
    return (standing.plan.name, *numbers, _kept(standing.configs or {}), verdict)


def _kept(configs: Mapping[str, str]) -> str:
    """How long a topic keeps its records, from its settings."""
    if not configs or configs["cleanup.policy"] != "delete":
        return configs.get("cleanup.policy", "?")
    limits = [
        f"{int(value) / unit:g} {name}"
        for key, unit, name in _LIMITS
        if (value := configs[key]) != "-1"
    ]
    return ", ".join(limits) or "all"


_LIMITS = (("retention.ms", 3_600_000, "hours"), ("retention.bytes", 1 << 20, "MiB a partition"))


def _complaints(log: LogSettings, found: Sequence[Standing]) -> Iterator[str]:
    from sidelight.config.brokers import KafkaAddress
    from sidelight.log.kafka.differences import differences

    address = KafkaAddress.parse(log.url)
    for standing in found:
        if standing.partitions:
            yield from map(str, differences(standing, address))
    missing = [one.plan.name for one in found if one.partitions == 0]
    if missing:
        yield f"not there: {', '.join(missing)}; run 'sidelight topics --create'"
