"""`sidelight log delete ID...`: forgets exchanges, in the files of a log on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sidelight.config.brokers import is_kafka
from sidelight.errors import ConfigError
from sidelight.log import topics

if TYPE_CHECKING:
    from sidelight.config.settings import Settings
    from sidelight.events.erasure import Forgotten
    from sidelight.log.local import LocalLog

_KAFKA = (
    "log.url is on Kafka, where no single record can be taken out of a topic: what was delivered "
    "goes by retention (log.retain_seconds, retention.ms of {prefix}.inference)"
)


def deleting(settings: Settings, ids: Sequence[str]) -> Iterator[str]:
    """Lines that tell what was deleted. `ConfigError` on Kafka, when the spool is done."""
    from sidelight.config.services import recorded
    from sidelight.log.local import LocalLog

    local = recorded(settings)
    if (Path(local.url) / "log.json").exists():
        log = LocalLog(local)
        try:
            yield from _in_log(log, local.url, ids)
        finally:
            log.close()
    elif not is_kafka(settings.log.url):
        raise ConfigError(
            f"there is no log at {local.url}; --config names the file that says where"
        )
    if is_kafka(settings.log.url):
        from sidelight.config.brokers import KafkaAddress

        raise ConfigError(_KAFKA.format(prefix=KafkaAddress.parse(settings.log.url).prefix))


def _in_log(log: LocalLog, place: str, ids: Sequence[str]) -> Iterator[str]:
    from sidelight.events.erasure import TOMBSTONE

    known = _found(log, ids)
    needles = [one.encode() for one in (*ids, *known.client_ids, *known.addresses)]
    letters = [*needles, b"io.sidelight.deadletter"]  # what they hold is in base64
    for reference in sorted(known.references):
        yield f"{reference}: lies in the store, not here; remove it there"
    # The exchanges last: who runs this again after a crash finds through them what else there is.
    work = (
        (topics.HALVES, needles, known.half),
        (topics.RESULTS, needles, known.result),
        (topics.ALARMS, needles, known.result),
        (topics.DEAD_LETTERS, letters, known.letter),
        (topics.INFERENCE, [one.encode() for one in ids], known.exchange),
    )
    for topic, wanted, change in work:
        changed = log.erase(topic, wanted, change, TOMBSTONE)
        yield f"{place}: {topic}: {len(changed)} records"
        for path in log.set_aside(topic):
            yield f"{path}: damaged once and set aside, not looked into; remove it"
    for one in ids:
        if one not in known.client_ids:
            yield f"{place}: no exchange has the id {one!r}, neither ours nor a client's"


def _found(log: LocalLog, ids: Sequence[str]) -> Forgotten:
    """What the exchanges of these ids are called elsewhere, before they are emptied."""
    from sidelight.errors import MalformedPayload
    from sidelight.events import exchanges
    from sidelight.events.erasure import TOMBSTONE, Forgotten, references
    from sidelight.log.contract import Record, Stored

    clients: set[str] = set()
    stored_bodies: set[str] = set()
    addresses: set[str] = set()

    def look(stored: Stored) -> Record:
        try:
            found = exchanges.from_record(stored.record)
        except MalformedPayload:
            return stored.record
        if found.id in ids or found.correlation_id in ids:
            addresses.add(str(stored.address))
            stored_bodies.update(references(found))
            clients.update(
                (found.id, found.correlation_id) if found.correlation_id else (found.id,)
            )
        return stored.record

    log.erase(topics.INFERENCE, [one.encode() for one in ids], look, TOMBSTONE)
    return Forgotten(
        frozenset(ids), frozenset(clients), frozenset(addresses), frozenset(stored_bodies)
    )
