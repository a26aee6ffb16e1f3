"""What other producers may put on the topic: one dead letter each, and no neighbour is harmed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from kafka import KafkaProducer
from prometheus_client import CollectorRegistry

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.config.settings import LogSettings
from sidelight.events.deadletters import DeadLetter, from_event
from sidelight.events.exchanges import to_record
from sidelight.events.records import from_record
from sidelight.log import Log, Record, open_log
from sidelight.log.kafka.plans import plans
from sidelight.log.kafka.standing import create
from sidelight.log.topics import DEAD_LETTERS, INFERENCE, PANES
from sidelight_detectors.service.detectors import Detectors
from sidelight_detectors.service.metrics import ScorerMetrics
from sidelight_detectors.streaming.outbox import read_on
from sidelight_detectors.streaming.panes import Pane
from tests.detectors.test_service import until
from tests.detectors.traffic import MODEL, exchange, json_body, plan, record, rows, traffic
from tests.kafka import Kafka

ROW = rows(1, 1)
GOOD = record(ROW)


def asking(age: str) -> Record:
    """An exchange whose age is written so."""
    content = exchange(ROW).request.content.replace(b'"data":[', b'"data":[%b,' % age.encode(), 1)
    cut = content[: content.index(b",", content.index(age.encode() + b","))]
    rest = content[content.index(b"]", len(cut)) :]
    return to_record(exchange(ROW, request=replace(exchange(ROW).request, content=cut + rest)))


TEXT = json_body(
    {
        "inputs": [
            {"name": "age", "shape": [1], "datatype": "BYTES", "data": ["old"]},
            {"name": "sex", "shape": [1], "datatype": "BYTES", "data": ["f"]},
        ]
    }
)
UNKNOWN = replace(exchange(ROW).request, content_type="application/x-nobody-knows")
HEADERS: list[tuple[str, bytes | None]] = list(GOOD.headers)

POISON: dict[str, tuple[bytes | None, list[tuple[str, bytes | None]]]] = {
    "a tombstone": (None, []),
    "a tombstone that says it is an exchange": (None, HEADERS),
    "of an unknown content type": (b"<a/>", [("content-type", b"application/x-nobody-knows")]),
    "a body of an unknown content type": (
        (one := to_record(exchange(ROW, request=UNKNOWN))).value,
        list(one.headers),
    ),
    "not a number": ((one := asking("NaN")).value, list(one.headers)),
    "infinity": ((one := asking("-Infinity")).value, list(one.headers)),
    "text for a number": ((one := record(ROW, request=TEXT)).value, list(one.headers)),
    "a header that is no text": (GOOD.value, [*HEADERS, ("ce_extra", b"\xff\xfe")]),
    "an attribute twice": (GOOD.value, [*HEADERS, HEADERS[0]]),
    "a header of ten million bytes": (b"{", [("ce_x", b"x" * 10_000_000)]),
}


@pytest.fixture
def settings(kafka_url: str) -> LogSettings:
    found = LogSettings(url=kafka_url)
    create(found, plans(found))
    return found


@pytest.fixture
def log(settings: LogSettings) -> Iterator[Log]:
    opened = open_log(settings)
    yield opened
    opened.close()


@contextmanager
def at_work(log: Log) -> Iterator[None]:
    stop = threading.Event()
    metrics = ScorerMetrics(CollectorRegistry(), [MODEL])
    service = DetectorsSettings(run_seconds=0.1)
    detectors = Detectors(log, {MODEL: plan()}, service, metrics, stop)
    thread = threading.Thread(target=detectors.run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def letters(log: Log) -> list[DeadLetter]:
    return [from_event(from_record(one.record)) for one in read_on(log, DEAD_LETTERS, 0, 0)]


def rows_scored(log: Log) -> int:
    return sum(Pane.from_record(one.record).rows for one in read_on(log, PANES, 0, 0))


def test_each_is_one_dead_letter_with_its_cause_and_address(
    log: Log, settings: LogSettings, kafka_broker: Kafka
) -> None:
    prefix = settings.url.rpartition("/")[2]
    log.append(INFERENCE, traffic(rows(20, 1)))
    sender: Any = KafkaProducer(
        bootstrap_servers=kafka_broker.bootstrap, max_request_size=12_000_000
    )
    offsets = {}
    for name, (value, headers) in POISON.items():
        sent = sender.send(f"{prefix}.{INFERENCE}", value, b"k", headers, partition=0)
        offsets[f"{INFERENCE}/0/{sent.get(20).offset}"] = name
    sender.close()
    log.append(INFERENCE, traffic(rows(20, 2), first=100))

    with at_work(log):
        until(lambda: rows_scored(log) == 40)

    told = {offsets[letter.origin]: letter for letter in letters(log)}
    assert told.keys() == POISON.keys()
    assert len(letters(log)) == len(POISON)
    for name, letter in told.items():
        assert letter.error in ("MalformedPayload", "DataMismatch", "LimitExceeded"), name
        assert letter.message, name
