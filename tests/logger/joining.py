"""Foreign loggers for the tests of the joiner, and its two parts driven over logs in memory.

Events are encoded by the CloudEvents SDK, not by us.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from cloudevents.core.bindings import kafka as sdk
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from sidelight.events.exchange import EXCHANGE_TYPE, Exchange
from sidelight.events.exchanges import from_record
from sidelight.log import Record, Stored
from sidelight.log.contract import Log
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import DEAD_LETTERS, HALVES, INFERENCE
from sidelight_logger.joiner.fold import Fold
from sidelight_logger.joiner.identity import Account, Terms
from sidelight_logger.joiner.importing import EVERYTHING, ForeignPartition, Source
from sidelight_logger.joiner.pairing import HalvesPartition
from sidelight_logger.joiner.reading import between
from sidelight_logger.policy.policy import Policy

FOREIGN = "knative-broker-prod-default"
SECOND = 10**9
TERMS = Terms(ttl_ns=60 * SECOND, max_bytes=64 << 20)
START = datetime(2026, 9, 21, 12, tzinfo=UTC)


class TimedLog(MemoryLog):
    """A log whose clock is the test's: `step_ns` passes with every append."""

    def __init__(self, partitions: int = 1, step_ns: int = 10**6) -> None:
        super().__init__(partitions)
        self.now_ns = 1_790_000_000 * SECOND
        self.step_ns = step_ns

    def _keep(self, topic: str, record: Record, partition: int | None) -> Any:
        address = super()._keep(topic, record, partition)
        self.now_ns += self.step_ns
        held = self._records[topic, address.partition]
        held[-1] = replace(held[-1], appended_ns=self.now_ns)
        return address


def request_body(number: int) -> bytes:
    return orjson.dumps({"instances": [[number, number / 2]]})


def response_body(number: int) -> bytes:
    return orjson.dumps({"predictions": [number / 10]})


def kserve(
    side: str, number: int, data: bytes, *, mode: str = "binary", **extensions: str
) -> Record:
    """What KServe's agent says, as a bridge or broker puts it into Kafka: without a key."""
    attributes: dict[str, Any] = {
        "id": f"client-{number}",
        "source": "http://localhost:9081/",
        "type": f"org.kubeflow.serving.inference.{side}",
        "time": START + timedelta(seconds=number, milliseconds=5 * (side == "response")),
        "datacontenttype": "application/json",
        "recordedtime": "2026-09-21T12:00:00.000000001Z",
        "inferenceservicename": "income",
        "namespace": "prod",
        "component": "predictor",
        "endpoint": "",
        "metadata": "{}",
        **extensions,
    }
    return encoded(attributes, data, mode)


def encoded(attributes: dict[str, Any], data: bytes, mode: str = "binary") -> Record:
    event = CloudEvent(dict(attributes), data)
    if mode == "binary":
        message = sdk.to_binary(event, JSONFormat())
    else:
        message = sdk.to_structured(CloudEvent(dict(attributes), orjson.loads(data)), JSONFormat())
    headers = tuple((name, value) for name, value in message.headers.items())
    return Record(message.value, b"", headers)


def halves_of(number: int, **changed: str) -> list[Record]:
    return [
        kserve("request", number, request_body(number), **changed),
        kserve("response", number, response_body(number), **changed),
    ]


@dataclass
class Hand:
    """A clock for idle times, moved by the test."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


def carry(foreign: Log, ours: Log, identity: str = "topic-id", policy: Policy = EVERYTHING) -> None:
    """Import all there is."""
    source = Source(foreign, FOREIGN, lambda: identity)
    member = foreign.join("importer", FOREIGN)
    try:
        parts = [
            ForeignPartition(source, ours, member, claim.partition, policy)
            for claim in member.claims()
        ]
        for part in parts:
            part.resume()
        while sum(part.step(0.0) for part in parts):
            pass
    finally:
        member.leave()


def join(ours: Log, terms: Terms = TERMS, hand: Hand | None = None) -> list[HalvesPartition]:
    """Join all there is, and stop."""
    member = ours.join("joiner", HALVES)
    try:
        parts = [
            HalvesPartition(ours, member, claim.partition, terms, hand or Hand())
            for claim in member.claims()
        ]
        for part in parts:
            part.resume()
        while sum(part.step(0.0) for part in parts):
            pass
        for part in parts:
            part.finish()
    finally:
        member.leave()
    return parts


def stored_in(log: Log, topic: str) -> Iterator[Stored]:
    for partition in range(log.partitions(topic)):
        yield from between(log, topic, partition, 0, log.span(topic, partition).end)


def told(log: Log) -> list[Record]:
    """What readers count of `inference`: each number of each account once, in order."""
    highest: dict[tuple[int, str], int] = {}
    kept = []
    for stored in stored_in(log, INFERENCE):
        headers = dict(stored.record.headers)
        place = (stored.address.partition, headers["ce_logid"].decode())
        sequence = int(headers["ce_sequence"])
        if sequence > highest.get(place, 0):
            highest[place] = sequence
            kept.append(stored.record)
    return kept


def exchanges_in(log: Log) -> list[Exchange]:
    return [
        from_record(record)
        for record in told(log)
        if dict(record.headers)["ce_type"] == EXCHANGE_TYPE.encode()
    ]


def letters_in(log: Log) -> list[Record]:
    return [stored.record for stored in stored_in(log, DEAD_LETTERS)]


def folded(log: Log, terms: Terms = TERMS) -> list[Record]:
    """What one fold of each whole partition of `halves` says, in the order of `inference`."""
    said: list[Record] = []
    for partition in range(log.partitions(HALVES)):
        fold = Fold(Account(log.log_id, partition, 0, terms))
        for stored in between(log, HALVES, partition, 0, log.span(HALVES, partition).end):
            said += fold.advance(stored.appended_ns)
            said += fold.take(stored)
    return said


def contents(exchanges: Iterable[Exchange]) -> list[tuple[Any, ...]]:
    """What was asked and answered, without ids and addresses that follow the order."""
    return sorted(
        (
            one.correlation_id,
            one.outcome,
            one.request.content,
            one.response.content,
            one.protocol,
            one.model,
            one.time_ns,
            one.duration_ns,
        )
        for one in exchanges
    )


def spread(log: Log, records: Sequence[Record], choices: Sequence[int]) -> None:
    """Each record to the partition that is chosen for it, as producers without a key do."""
    for at, record in enumerate(records):
        log.append(
            FOREIGN, [record], partition=choices[at % len(choices)] % log.partitions(FOREIGN)
        )
