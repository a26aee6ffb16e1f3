"""The log on Kafka while its broker is away, killed, paused and back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from sidelight.config.settings import KafkaSettings, LogSettings
from sidelight.demo.broker import Broker
from sidelight.errors import LogError, LogUnreachable
from sidelight.log import Log, Membership, Position, Record, open_log
from sidelight.log.kafka.plans import plans
from sidelight.log.kafka.standing import create
from tests.kafka import require_kafka

PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One for all tests here; each leaves it running."""
    require_kafka()
    with Broker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


def settings(broker: Broker, *, timeout_seconds: float = 30) -> LogSettings:
    settings = LogSettings(
        url=f"kafka://{broker.bootstrap}/t{uuid4().hex[:12]}",
        kafka=KafkaSettings(timeout_seconds=timeout_seconds, session_seconds=2),
    )
    create(settings, plans(settings))
    return settings


@pytest.fixture
def opened() -> Iterator[Callable[[LogSettings], Log]]:
    logs: list[Log] = []

    def opening(settings: LogSettings) -> Log:
        logs.append(open_log(settings))
        return logs[-1]

    yield opening
    for log in logs:
        log.close()


def eventually(step: Callable[[], object]) -> None:
    """Repeat until the log can do it again."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            step()
        except LogError:
            assert time.monotonic() < deadline
        else:
            return


def commit_claimed(member: Membership, position: Position) -> None:
    member.commit({claim.partition: position for claim in member.claims()})


def numbers(log: Log) -> list[int]:
    found: list[int] = []
    offset, end = 0, log.span("inference", 0).end
    while offset < end:
        for stored in log.read("inference", 0, offset):
            found.append(int(stored.record.value))
            offset = stored.address.offset + 1
    return found


def test_a_log_opens_before_its_broker_is_there(
    tmp_path: Path, broker: Broker, opened: Callable[[LogSettings], Log]
) -> None:
    fast = settings(broker, timeout_seconds=1)
    broker.stop()
    log = opened(fast)
    for attempt in (
        lambda: log.append("inference", [Record(b"0")]),
        lambda: log.read("inference", 0, 0),
        lambda: log.span("inference", 0),
        lambda: log.join("drift", "inference"),
        lambda: log.log_id,
    ):
        with pytest.raises(LogUnreachable, match=broker.bootstrap):
            attempt()
    broker.start()
    eventually(lambda: log.append("inference", [Record(b"0")]))
    eventually(lambda: log.join("drift", "inference").commit({0: Position(1)}))
    assert numbers(log)[-1:] == [0]


def test_calls_that_fail_leave_no_threads(
    broker: Broker, opened: Callable[[LogSettings], Log]
) -> None:
    log = opened(settings(broker, timeout_seconds=0.3))
    eventually(lambda: log.append("inference", [Record(b"0")]))
    eventually(lambda: log.read("inference", 0, 0))
    broker.kill()
    counts = []
    for _ in range(4):
        for attempt in (
            lambda: log.append("inference", [Record(b"1")]),
            lambda: log.read("inference", 0, 1),
            lambda: log.join("drift", "inference"),
        ):
            with pytest.raises(LogError):
                attempt()
        counts.append(threading.active_count())
    broker.start()
    assert counts[-1] <= counts[0]


def test_a_killed_broker_loses_nothing_acknowledged_and_doubles_nothing(
    broker: Broker, opened: Callable[[LogSettings], Log]
) -> None:
    log = opened(settings(broker))
    ended = threading.Event()
    acknowledged: list[int] = []

    def write() -> None:
        while not ended.is_set():
            number = len(acknowledged)
            batch = list(range(number, number + 7))
            log.append("inference", [Record(b"%d" % n) for n in batch])
            acknowledged.extend(batch)

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(2):
        time.sleep(0.7)
        broker.kill()
        broker.start()
    before = len(acknowledged)
    while len(acknowledged) == before and writer.is_alive():
        time.sleep(0.05)
    ended.set()
    writer.join()
    assert len(acknowledged) > before
    assert numbers(log) == acknowledged


def test_a_paused_broker_ends_an_append_in_time_and_the_next_one_works(
    broker: Broker, opened: Callable[[LogSettings], Log]
) -> None:
    log = opened(settings(broker, timeout_seconds=2))
    eventually(lambda: log.append("inference", [Record(b"0")]))
    broker.pause()
    with pytest.raises(LogUnreachable):
        log.append("inference", [Record(b"1")])
    with pytest.raises(LogUnreachable):
        log.read("inference", 0, 0)
    broker.resume()
    eventually(lambda: log.append("inference", [Record(b"2")]))
    eventually(lambda: log.read("inference", 0, 0))
    found = numbers(log)
    assert found[0] == 0
    assert found[-1] == 2
    assert set(found) <= {0, 1, 2}


def test_a_member_goes_on_after_its_broker_was_killed(
    broker: Broker, opened: Callable[[LogSettings], Log]
) -> None:
    log = opened(settings(broker))
    member = log.join("drift", "inference")
    member.commit({0: Position(1, b"a" * 5000)})
    broker.kill()
    broker.start()
    eventually(member.claims)
    while not member.claims():
        pass
    assert member.committed(0) == Position(1, b"a" * 5000)
    eventually(lambda: commit_claimed(member, Position(2, b"b" * 5000)))
    assert member.committed(0) == Position(2, b"b" * 5000)
