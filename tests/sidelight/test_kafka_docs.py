"""docs/kafka.md runs, and tells the topics, properties and rights that are."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from kafka import KafkaProducer

from sidelight.config.brokers import KafkaAddress
from sidelight.config.settings import LogSettings, Settings
from sidelight.events import deadletters, exchanges, records
from sidelight.events.cloudevent import CloudEvent
from sidelight.events.exchange import Body
from sidelight.log import topics
from sidelight.log.contract import Record
from sidelight.log.kafka.access import SERVICES, grants
from sidelight.log.kafka.plans import plans
from sidelight.log.kafka.standing import create
from tests.sidelight.event_strategies import EXCHANGE

PAGE = (Path(__file__).parents[2] / "docs" / "kafka.md").read_text()


def require_kcat() -> None:
    if shutil.which("kcat") is None:
        pytest.skip("reading topics with kcat needs kcat; install it with `apt-get install kcat`")


def commands() -> list[str]:
    """The lines that call kcat, without those that log in."""
    return [line for line in re.findall(r"^kcat .*$", PAGE, re.MULTILINE) if " -X " not in line]


def shell(command: str) -> bytes:
    done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def put(log: LogSettings, topic: str, put: Iterable[Record]) -> None:
    address = KafkaAddress.parse(log.url)
    producer = KafkaProducer(bootstrap_servers=list(address.servers))
    for record in put:
        producer.send(
            address.topic(topic), record.value, key=record.key, headers=list(record.headers)
        )
    producer.close()


@pytest.fixture
def filled(kafka_url: str) -> LogSettings:
    """A log with an exchange, a result, an alarm and a dead letter."""
    log = LogSettings(url=kafka_url)
    create(log, plans(log))
    exchange = replace(
        EXCHANGE, request=Body(b'{"inputs": 1}', size=13), response=Body(b'{"outputs": 2}', size=14)
    )
    put(log, topics.INFERENCE, [exchanges.to_record(exchange)])
    for topic in (topics.RESULTS, topics.ALARMS):
        event = CloudEvent(
            id=f"{topic}-1", source="s", type="t", data=b'{"told": "%s"}' % topic.encode()
        )
        put(log, topic, [records.to_record(event, event.id.encode())])
    letter = deadletters.dead_letter(
        ValueError("not to be read"), Record(b"x"), reporter="r", origin="inference/0/0", time_ns=1
    )
    put(log, topics.DEAD_LETTERS, [records.to_record(deadletters.to_event(letter), b"d-1")])
    return log


def test_kcat_reads_the_topics_as_documented(filled: LogSettings) -> None:
    require_kcat()
    address = KafkaAddress.parse(filled.url)

    def ran(line: str) -> bytes:
        line = line.replace("127.0.0.1:9092", address.servers[0])
        return shell(line.replace("sidelight.", f"{address.prefix}."))

    alarms, results, attributes, bodies, letters, listing = (ran(line) for line in commands())
    assert alarms == b'{"told": "alarms"}\n'
    assert results == b'{"told": "results"}\n'
    told = attributes.decode()
    assert told.startswith(f"{address.topic('inference')}/0/0 {EXCHANGE.id} ")
    assert f"ce_modelname={EXCHANGE.model}" in told
    assert "ce_type=io.sidelight.exchange.v1" in told
    assert bodies == b'{"inputs": 1}{"outputs": 2}'
    assert letters.startswith(b"d-1 ")
    assert b"ce_subject=inference/0/0" in letters
    assert b"not to be read" in letters
    assert all(address.topic(topic).encode() in listing for topic in topics.ALL)


def test_every_topic_is_told() -> None:
    told = re.findall(r"^\| `([\w-]+)` \| .* (?:by size|compacted).* \|$", PAGE, re.MULTILINE)
    assert tuple(told) == topics.ALL


def test_every_property_is_told() -> None:
    wanted = {name for plan in plans(LogSettings(url="kafka://h")) for name in plan.configs}
    assert {name for name in wanted if f"`{name}`" not in PAGE} == set()


@pytest.mark.parametrize("service", SERVICES)
def test_every_right_is_told(service: str) -> None:
    [row] = re.findall(rf"^\| `{service}`.*$", PAGE, re.MULTILINE)
    for grant in grants(KafkaAddress(("h",), ""), service):
        for operation in grant.operations:
            assert operation.title().replace("_", "") in row
        if grant.resource == "topic" and grant.names != topics.ALL:
            assert all(f"`{name}`" in row for name in grant.names)


def test_the_examples_are_configurations() -> None:
    for example in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL):
        assert isinstance(Settings.model_validate(yaml.safe_load(example)), Settings)
