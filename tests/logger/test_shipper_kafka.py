"""The shipper's process against a real broker: the spool arrives, whatever falls over."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat

from sidelight.demo.broker import Broker
from sidelight.events import kserve, records
from sidelight.events.dataref import whole
from sidelight.events.store import open_store
from sidelight.log import Log, open_log, topics
from sidelight_logger.shipper.routes import LOG
from tests.kafka import require_kafka
from tests.logger.shipping import (
    Shipper,
    carried,
    counted_once,
    fill,
    made,
    records_of,
    shipping,
)
from tests.logger.sinks import wait_until
from tests.sidelight.kafka_security import PASSWORDS, Authority, secured

LIMIT_MIB = 256
"""A shipper needs 70 MiB; what an outage leaves behind must not come on top of it."""


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Log]:
    with closing(open_log(tmp_path / "spool")) as opened:
        yield opened


def settings(folder: Path, url: str, **more: Any) -> dict[str, Any]:
    common = {"log.partitions": 3, "log.kafka.timeout_seconds": 3.0}
    return {"log.url": url, "logger.spool": str(folder / "spool"), **common, **more}


def delivered(shipper: Shipper, count: int, seconds: float = 90.0) -> None:
    wait_until(
        lambda: shipper.stats.delivered == count and shipper.stats.waiting == 0,
        f"{count} records ({shipper.stats})",
        seconds,
    )


def test_the_spool_is_carried_and_a_signal_ends_it_well(
    tmp_path: Path, spool: Log, kafka_url: str
) -> None:
    log = made(kafka_url)
    fill(spool, 1, 3000)
    with shipping(tmp_path, settings(tmp_path, kafka_url)) as shipper:
        delivered(shipper, 3000)
        fill(spool, 3001, 500)
        delivered(shipper, 3500)
        assert shipper.stop() == 0
        assert shipper.said() == ""
    with closing(open_log(log)) as opened:
        found = carried(opened)
    assert [len(partition) > 1000 for partition in found] == [True] * 3
    for partition in found:
        numbers = [one.sequence for one in partition]
        assert numbers == sorted(set(numbers)), "in order, and none twice"
    assert counted_once(found) == list(range(1, 3501))


def run_faults(
    folder: Path, spool: Log, broker: Broker, seed: int, kills: int, pause_seconds: float
) -> None:
    """Load through the spool while the broker falls, stands still, and the shipper is killed."""
    chance = random.Random(seed)
    url = f"kafka://{broker.bootstrap}/faults"
    log = made(url)
    written = 0

    def load(seconds: float) -> None:
        nonlocal written
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            fill(spool, written + 1, 40)
            written += 40
            time.sleep(0.02)

    def broker_falls() -> None:
        broker.kill()
        load(chance.uniform(0.5, 2.0))
        broker.start()

    def broker_stands_still() -> None:
        broker.pause()
        load(pause_seconds)
        broker.resume()

    def shipper_falls() -> None:
        shipper.kill()
        load(chance.uniform(0.0, 0.5))
        shipper.start()

    faults: list[Callable[[], None]] = [broker_falls, shipper_falls] * kills
    faults.append(broker_stands_still)
    chance.shuffle(faults)
    with shipping(folder, settings(folder, url)) as shipper:
        load(2.0)
        for fault in faults:
            fault()
            load(chance.uniform(0.2, 1.5))
            assert shipper.resident_mib() < LIMIT_MIB
        delivered(shipper, written)
        assert shipper.resident_mib() < LIMIT_MIB
        assert shipper.stop() == 0
    with closing(open_log(log)) as opened:
        found = carried(opened)
    assert counted_once(found) == list(range(1, written + 1)), "nothing is lost, nothing twice"
    for partition in found:
        first_seen = list(dict.fromkeys(one.sequence for one in partition))
        assert first_seen == sorted(first_seen), "in order where it is new"


def test_kills_and_a_pause_of_broker_and_shipper_lose_nothing(
    tmp_path: Path, spool: Log, own_broker: Broker
) -> None:
    run_faults(tmp_path, spool, own_broker, seed=11, kills=1, pause_seconds=4.0)


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", [1, 2])
def test_many_kills_and_a_long_pause_lose_nothing(
    tmp_path: Path, spool: Log, own_broker: Broker, seed: int
) -> None:
    run_faults(tmp_path, spool, own_broker, seed, kills=10, pause_seconds=60.0)


def test_missing_topics_are_waited_for_and_told(tmp_path: Path, spool: Log, kafka_url: str) -> None:
    fill(spool, 1, 100)
    with shipping(tmp_path, settings(tmp_path, kafka_url)) as shipper:
        wait_until(lambda: shipper.stats.failures.get("denied", 0) > 0)
        assert "sidelight topics --create" in shipper.stats.trouble
        assert shipper.stats.waiting == 100
        assert "sink failed" in shipper.said()
        made(kafka_url)
        delivered(shipper, 100)
        assert shipper.stats.trouble == ""


def test_wrong_credentials_are_waited_for_and_told(tmp_path: Path, spool: Log) -> None:
    require_kafka()
    authority = Authority(tmp_path / "ca")
    authority.create()
    password = tmp_path / "password"
    password.write_text("guessed")
    fill(spool, 1, 100)
    with secured(tmp_path / "kafka", authority) as broker:
        made(f"kafka://{broker.address('PLAINTEXT')}/safe")
        login = {
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-512",
            "username": "owner",
            "password_file": str(password),
            "ca_file": str(authority.certificate),
        }
        flags = {f"log.kafka.{name}": value for name, value in login.items()}
        url = f"kafka://{broker.address('SASL_SSL')}/safe"
        with shipping(tmp_path, settings(tmp_path, url, **flags)) as shipper:
            wait_until(lambda: shipper.stats.failures.get("denied", 0) > 0)
            assert "refuses the login of 'owner'" in shipper.stats.trouble
            assert shipper.stats.waiting == 100
            password.write_text(PASSWORDS["owner"])
            delivered(shipper, 100)
            assert shipper.stop() == 0
            assert "guessed" not in shipper.said()


def test_a_broker_that_is_up_later_is_waited_for_and_a_stop_does_not_wait(
    tmp_path: Path, spool: Log
) -> None:
    """Nobody listens there: each try takes longer than the grace period."""
    fill(spool, 1, 10)
    slow = settings(tmp_path, "kafka://127.0.0.1:9/p", **{"log.kafka.timeout_seconds": 60.0})
    with shipping(tmp_path, slow, grace_seconds=1.0) as shipper:
        wait_until(lambda: shipper.stats.waiting == 10)
        assert shipper.stop() == 0
        assert shipper.stats.delivered == 0


def test_what_a_topic_does_not_take_goes_to_the_store(
    tmp_path: Path, spool: Log, kafka_url: str
) -> None:
    log = made(kafka_url, **{"max.message.bytes": "1048588"})
    store = f"file://{tmp_path}/bodies"
    body = random.Random(5).randbytes(1_500_000)
    fill(spool, 1, 20)
    fill(spool, 21, 2, body)
    fill(spool, 23, 20)
    with shipping(tmp_path, settings(tmp_path, kafka_url, **{"log.store": store})) as shipper:
        delivered(shipper, 42)
        assert shipper.stats.reduced == {"referenced": 2}
    with closing(open_log(log)) as opened:
        found = carried(opened)
    assert counted_once(found) == list(range(1, 43))
    large = [one for partition in found for one in partition if one.sequence in (21, 22)]
    bodies = [whole(one, open_store(store)).request.content for one in large]
    assert bodies == [body, body]


def test_a_sink_on_kafka_takes_kserves_events_beside_the_log(
    tmp_path: Path, spool: Log, kafka_url: str
) -> None:
    """Two shippers of one spool, each with a place of its own."""
    log = made(kafka_url)
    bootstrap, _, prefix = kafka_url.removeprefix("kafka://").partition("/")
    foreign = f"{prefix}.panes"  # Any topic that stands there already will do.
    flags = settings(
        tmp_path, kafka_url, **{"logger.sinks.there.url": f"kafka://{bootstrap}/{foreign}"}
    )
    fill(spool, 1, 600)
    with (
        shipping(tmp_path, flags, route=LOG) as to_log,
        shipping(tmp_path, flags, route="there") as to_sink,
    ):
        delivered(to_log, 600)
        delivered(to_sink, 600)
        assert (to_log.stop(), to_sink.stop()) == (0, 0)
    with closing(open_log(log)) as opened:
        assert counted_once(carried(opened)) == list(range(1, 601))
        partitions = [records_of(opened, topics.PANES, number) for number in range(3)]
    names = set()
    for found in partitions:
        for request, response in zip(found[::2], found[1::2], strict=True):
            halves = records.from_record(request), records.from_record(response)
            pair = kserve.pair(*halves, exchange_id=request.key.decode(), received_ns=0)
            names.add(pair.correlation_id)
            message = KafkaMessage(dict(response.headers), response.key, response.value)
            event = from_binary(message, JSONFormat())
            assert event.get_type() == kserve.RESPONSE_TYPE
            assert event.get_extension("exchangeid") == request.key.decode()
    assert names == {f"e{number:06d}" for number in range(1, 601)}
