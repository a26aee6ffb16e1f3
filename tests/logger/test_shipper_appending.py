"""Batches to another log: in order, again after every failure, one bad record at a time."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from structlog.testing import capture_logs

from sidelight.config.capturing.sink_faults import said_of
from sidelight.errors import LogDenied, LogError, LogUnreachable, RecordTooLarge
from sidelight.events import CloudEvent, Exchange, deadletters, kserve, records
from sidelight.events.dataref import whole
from sidelight.events.exchanges import from_record, to_record
from sidelight.events.store import Store, open_store
from sidelight.log import open_log, topics
from sidelight.log.contract import Address, Log, Record
from sidelight.log.testing import MemoryLog
from sidelight_detectors.streaming.marks import Marks
from sidelight_logger.recorder.describing.description import Origin, describe
from sidelight_logger.shipper.carrying.attempts import attempt
from sidelight_logger.shipper.carrying.carrier import Carrier
from sidelight_logger.shipper.carrying.fates import SinkFailed
from sidelight_logger.shipper.carrying.form import Form
from sidelight_logger.shipper.carrying.letters import Letters
from sidelight_logger.shipper.carrying.patience import Backoff, Patience
from sidelight_logger.shipper.log.appending import Appending
from sidelight_logger.shipper.log.outsized import Outsized
from tests.logger.captures import capture
from tests.logger.carrying import at_work, caught_up
from tests.logger.sinks import wait_until

PARTITIONS = 3
LIMIT = 40_000


def exchange(number: int, body: bytes = b"{}", answer: bytes = b"{}") -> Exchange:
    one = capture(headers={"Ce-Id": f"e{number:05d}"}, body=body, answer=answer)
    found = describe(one, number + 1, Origin("/test", "spool-1"))
    assert found is not None
    return found


@dataclass
class Target:
    """A log that refuses records above `limit`, and fails as `fails` says before each append.

    A failure of a number keeps that many of the batch's records, as Kafka may.
    """

    log: MemoryLog = field(default_factory=lambda: MemoryLog(PARTITIONS))
    limit: int = LIMIT
    fails: Iterator[LogError | int | None] = field(default_factory=lambda: iter(()))
    appends: int = 0

    def append(
        self, topic: str, records: Sequence[Record], *, partition: int | None = None
    ) -> list[Address]:
        self.appends += 1
        if max(len(record.value) for record in records) > self.limit:
            raise RecordTooLarge(f"a record is above {self.limit} bytes")
        failure = next(self.fails, None)
        if isinstance(failure, int):
            self.log.append(topic, records[:failure], partition=partition)
            failure = LogUnreachable("no answer in time")
        if failure is not None:
            raise failure
        return self.log.append(topic, records, partition=partition)

    def exchanges(self, topic: str = topics.INFERENCE) -> list[Exchange]:
        """What a reader of each partition makes of it: what was sent twice once."""
        return [
            one
            for partition in range(PARTITIONS)
            for marks in [Marks({})]
            for one in map(from_record, self.records(topic, partition))
            if marks.is_new(one)
        ]

    def records(self, topic: str, partition: int) -> list[Record]:
        found = self.log.read(topic, partition, 0, max_records=10**6, max_bytes=1 << 40)
        return [stored.record for stored in found]


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Log]:
    with closing(open_log(tmp_path / "spool")) as opened:
        yield opened


@contextmanager
def carrying(
    spool: Log,
    target: Target,
    *,
    form: Form = "exchange",
    store: Store | None = None,
    topic: str = topics.INFERENCE,
) -> Iterator[Carrier]:
    """A shipper in a thread, stopped at the end."""
    stop = Event()
    membership = spool.join("shipper-test", topics.INFERENCE)
    delivery = Appending(target, topic, form, Outsized(store))
    patience = Patience("kafka", stop, 5.0, Backoff(0.001, 0.002))
    letters = Letters("kafka", target, "spool:s/")
    carrier = Carrier("kafka", spool, membership, delivery, letters, patience)
    with at_work(carrier, stop, membership):
        yield carrier


def fill(spool: Log, exchanges: Sequence[Exchange]) -> list[str]:
    spool.append(topics.INFERENCE, [to_record(one) for one in exchanges])
    return [one.id for one in exchanges]


def test_all_arrive_by_their_keys_and_in_order(spool: Log) -> None:
    target = Target()
    ids = fill(spool, [exchange(number) for number in range(2500)])
    with carrying(spool, target) as carrier:
        caught_up(spool, carrier)
        assert carrier.stats().delivered == 2500
    assert sorted(one.id for one in target.exchanges()) == sorted(ids)
    for partition in range(PARTITIONS):
        found = target.records(topics.INFERENCE, partition)
        assert [record.key for record in found] == sorted(record.key for record in found)
        assert found, "keys spread over all partitions"
    assert target.appends == 3, "a thousand at once"


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_what_arrived_in_part_is_sent_again_and_counts_once(spool: Log, seed: int) -> None:
    chance = random.Random(seed)
    choices: list[Callable[[], LogError | int | None]] = [
        lambda: LogDenied("no right"),
        lambda: LogError("odd"),
        lambda: None,
        lambda: chance.randrange(1000),
        lambda: chance.randrange(1000),
    ]
    target = Target(fails=(chance.choice(choices)() for _ in range(40)))
    ids = fill(spool, [exchange(number) for number in range(6000)])
    with carrying(spool, target) as carrier:
        caught_up(spool, carrier)
        stats = carrier.stats()
    assert (stats.delivered, stats.dead_lettered, stats.dropped) == (6000, 0, {})
    assert stats.failures["unreachable"] > 0
    assert stats.failures["denied"] > 0
    assert stats.failures["server_error"] > 0
    kept = target.exchanges()
    assert sorted(one.id for one in kept) == sorted(ids)
    appended = sum(len(target.records(topics.INFERENCE, p)) for p in range(PARTITIONS))
    assert appended > 6000, "the test needs parts that arrived twice"


def test_an_outage_is_told_and_ends_with_the_first_success(spool: Log) -> None:
    down = [True]
    target = Target(fails=iter(lambda: LogUnreachable("nobody") if down[0] else None, object()))
    fill(spool, [exchange(0)])
    with capture_logs() as told, carrying(spool, target) as carrier:
        wait_until(lambda: carrier.stats().failures["unreachable"] > 5)
        assert carrier.stats().trouble == "nobody"
        assert carrier.stats().waiting == 1
        down[0] = False
        caught_up(spool, carrier)
        assert carrier.stats().trouble == ""
    assert [one["event"] for one in told] == ["sink failed", "sink takes records again"]
    assert (told[0]["sink"], told[0]["cause"]) == ("kafka", "nobody")


def test_a_refused_login_of_a_sink_names_the_sinks_setting() -> None:
    target = Target(fails=iter([LogDenied("refused; correct log.kafka.username")]))
    with pytest.raises(SinkFailed, match=r"correct logger\.sinks\.far\.kafka\.username") as failed:
        attempt(target, "t", [to_record(exchange(0))], said_of(("logger", "sinks", "far")))
    assert failed.value.reason == "denied"


def test_a_try_that_hangs_is_told_before_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    patience = Patience("kafka", Event(), 5.0)

    def hang() -> str:
        now[0] += 4.0
        patience.tell()
        now[0] += 4.0
        patience.tell()
        return "done"

    with capture_logs() as told:
        assert patience.insist(hang) == "done"
        patience.tell()
    assert [one["cause"] for one in told] == ["no answer for 8 s"]
    assert patience.trouble == ""


def test_a_stop_in_an_outage_leaves_the_batch_with_the_spool(spool: Log) -> None:
    target = Target(fails=iter(lambda: 700, object()))
    ids = fill(spool, [exchange(number) for number in range(1500)])
    with carrying(spool, target) as carrier:
        wait_until(lambda: carrier.stats().failures["unreachable"] > 1)
    assert (carrier.stats().delivered, carrier.stats().waiting) == (0, 1500)
    target.fails = iter(())
    with carrying(spool, target) as carrier:
        caught_up(spool, carrier)
    assert sorted(one.id for one in target.exchanges()) == sorted(ids)


def large(number: int) -> Exchange:
    return exchange(number, body=b"q" * 45_000, answer=b"r" * 60_000)


def test_a_record_that_is_too_large_goes_by_reference(spool: Log, tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}/bodies")
    sent = [large(number) if number in (3, 40) else exchange(number) for number in range(100)]
    target = Target()
    fill(spool, sent)
    with carrying(spool, target, store=store) as carrier:
        caught_up(spool, carrier)
        assert carrier.stats().delivered == 100
        assert carrier.stats().reduced == {"referenced": 2}
    kept = {one.id: replace(whole(one, store), extensions={}) for one in target.exchanges()}
    assert kept == {one.id: replace(one, extensions={}) for one in sent}


def test_without_a_store_the_bodies_are_cut_and_marked(spool: Log) -> None:
    target = Target()
    sent = [exchange(0), large(1), exchange(2)]
    fill(spool, sent)
    with carrying(spool, target) as carrier:
        caught_up(spool, carrier)
        assert carrier.stats().reduced == {"cut": 1}
    [cut] = [one for one in target.exchanges() if one.id == sent[1].id]
    assert cut.request.truncated
    assert cut.response.truncated
    assert (cut.request.size, cut.response.size) == (45_000, 60_000)
    assert 0 < len(cut.response.content) < LIMIT
    assert len(target.exchanges()) == 3


def test_the_limit_is_learnt_so_that_later_batches_are_not_halved(spool: Log) -> None:
    target = Target()
    with carrying(spool, target) as carrier:
        fill(spool, [large(0)])
        caught_up(spool, carrier)
        before = target.appends
        fill(
            spool,
            [large(number) if number % 50 == 0 else exchange(number) for number in range(1, 501)],
        )
        caught_up(spool, carrier)
    assert carrier.stats().reduced == {"cut": 11}
    assert target.appends - before <= 3


def test_what_cannot_be_made_smaller_costs_one_dead_letter(spool: Log) -> None:
    target = Target()
    feedback = CloudEvent("f1", "/client", "feedback", data=b"x" * 50_000)
    fill(spool, [exchange(0)])
    spool.append(topics.INFERENCE, [records.to_record(feedback)])
    fill(spool, [exchange(2)])
    with carrying(spool, target) as carrier:
        caught_up(spool, carrier)
        assert (carrier.stats().delivered, carrier.stats().dead_lettered) == (2, 1)
    found = [one for p in range(PARTITIONS) for one in target.records(topics.DEAD_LETTERS, p)]
    [letter] = [deadletters.from_event(records.from_record(one)) for one in found]
    assert letter.origin == "spool:s/inference/0/1"
    assert (letter.value, letter.size) == (b"", 50_000), "the letter had to be made smaller too"
    assert "log.store is not set" in letter.message


def test_a_store_that_cannot_be_written_is_waited_for(spool: Log, tmp_path: Path) -> None:
    (tmp_path / "bodies").write_text("no folder")
    target = Target()
    fill(spool, [exchange(0), large(1)])
    with carrying(spool, target, store=open_store(f"file://{tmp_path}/bodies")) as carrier:
        wait_until(lambda: carrier.stats().failures["store"] > 3)
        (tmp_path / "bodies").unlink()
        caught_up(spool, carrier)
        assert carrier.stats().reduced == {"referenced": 1}


def test_kserve_halves_share_a_partition_and_are_legal_for_the_sdk(spool: Log) -> None:
    target = Target()
    sent = [exchange(number, b'{"n":%d}' % number) for number in range(50)]
    fill(spool, sent)
    with carrying(spool, target, form="kserve", topic="foreign") as carrier:
        caught_up(spool, carrier)
        assert carrier.stats().delivered == 50
    paired: list[Exchange] = []
    for partition in range(PARTITIONS):
        found = target.records("foreign", partition)
        for request, response in zip(found[::2], found[1::2], strict=True):
            assert request.key == response.key
            halves = records.from_record(request), records.from_record(response)
            paired.append(kserve.pair(*halves, exchange_id=request.key.decode(), received_ns=0))
            event = from_binary(
                KafkaMessage(dict(request.headers), request.key, request.value), JSONFormat()
            )
            assert event.get_id() == paired[-1].correlation_id
            assert event.get_type() == kserve.REQUEST_TYPE
            assert event.get_datacontenttype() == "application/json"
    by_id = {one.id: one for one in sent}
    assert {one.id for one in paired} == set(by_id)
    for one in paired:
        origin = by_id[one.id]
        assert (one.request.content, one.response.content) == (
            origin.request.content,
            origin.response.content,
        )
        assert (one.model, one.path, one.status) == (origin.model, origin.path, 200)


def test_a_large_half_goes_by_reference_on_its_own(spool: Log, tmp_path: Path) -> None:
    target = Target()
    store = open_store(f"file://{tmp_path}/bodies")
    fill(spool, [exchange(0, body=b"q" * 90_000)])
    with carrying(spool, target, form="kserve", store=store, topic="foreign") as carrier:
        caught_up(spool, carrier)
    [request, response] = [one for p in range(PARTITIONS) for one in target.records("foreign", p)]
    event: Any = records.from_record(request)
    assert event.data is None
    assert Path(event.extensions["dataref"].removeprefix("file://")).read_bytes() == b"q" * 90_000
    assert "dataref" not in records.from_record(response).extensions
    assert response.value == b"{}"
