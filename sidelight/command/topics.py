"""`sidelight topics`: whether a log's topics on Kafka are there and as they should be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer

from sidelight.command import extras
from sidelight.command.columns import columns
from sidelight.command.options import Config

if TYPE_CHECKING:
    from sidelight.config.settings import LogSettings
    from sidelight.log.kafka.differences import Difference
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
        standing = _standing()
        if create:
            _make(standing, log)
        _tell_topics(log, standing.standings(log))


def _tell_rights(log: LogSettings) -> None:
    from sidelight.config.brokers import KafkaAddress
    from sidelight.log.kafka.access import SERVICES, commands

    address = KafkaAddress.parse(log.url)
    for service, title in SERVICES.items():
        typer.echo(f"# {title}")
        for line in commands(address, service):
            typer.echo(line)


def _standing() -> ModuleType:
    try:
        from sidelight.log.kafka import standing
    except ImportError as exc:
        raise extras.refused("kafka", exc) from exc
    return standing


def _make(standing: ModuleType, log: LogSettings) -> None:
    missing = [one.plan for one in standing.standings(log) if one.is_missing]
    if missing:
        standing.create(log, missing)
        typer.echo(f"made {', '.join(plan.name for plan in missing)}")


def _tell_topics(log: LogSettings, found: Sequence[Standing]) -> None:
    from sidelight.config.brokers import KafkaAddress
    from sidelight.log.kafka.differences import differences

    address = KafkaAddress.parse(log.url)
    wrong = {one.plan.name: list(differences(one, address)) for one in found}
    head = ("topic", "partitions", "replicas", "kept", "")
    rows = [_row(one, "differs" if wrong[one.plan.name] else "right") for one in found]
    complaints = list(_complaints(one for several in wrong.values() for one in several))
    if missing := [one.plan.name for one in found if one.is_missing]:
        complaints.append(f"not there: {', '.join(missing)}; run 'sidelight topics --create'")
    for line in (*columns([head, *rows]), *complaints):
        typer.echo(line)
    if complaints:
        raise typer.Exit(NOT_RIGHT)


def _complaints(found: Iterable[Difference]) -> Iterator[str]:
    """One line for what several topics have in common."""
    topics: dict[tuple[str, str], list[str]] = {}
    for one in found:
        topics.setdefault((one.told, one.way_out), []).append(one.topic)
    for (told, way_out), names in topics.items():
        yield f"{', '.join(names)}: {told}; {way_out}"


def _row(standing: Standing, verdict: str) -> tuple[str, ...]:
    if standing.is_missing:
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
        if (value := configs.get(key, "-1")) != "-1"
    ]
    return ", ".join(limits) or "all"


_LIMITS = (("retention.ms", 3_600_000, "hours"), ("retention.bytes", 1 << 20, "MiB a partition"))
