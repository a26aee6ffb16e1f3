"""What is particular to the log on Kafka: its errors, its checks, its notes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import AlterConfigOp, ConfigResource, KafkaAdminClient

from sidelight.config.settings import KafkaSettings, LogSettings
from sidelight.demo.broker import Broker, NodeSettings
from sidelight.errors import (
    ConfigError,
    LogDenied,
    LogError,
    LogUnreachable,
    MissingExtra,
    RecordTooLarge,
)
from sidelight.log import Claim, Log, Position, Record, open_log
from sidelight.log.kafka import checksums, notes
from sidelight.log.kafka.appender import Appender, Message, rounds
from sidelight.log.kafka.facts import Facts, FactsOfTopics
from sidelight.log.kafka.notebook import Notebook, Page
from sidelight.log.kafka.plans import plans
from sidelight.log.kafka.standing import create
from tests.kafka import Kafka, require_kafka

PATIENCE_SECONDS = 60


def made(url: str) -> LogSettings:
    settings = LogSettings(url=url, kafka=KafkaSettings(session_seconds=2))
    create(settings, plans(settings))
    return settings


def altered(url: str, topic: str, properties: dict[str, str]) -> None:
    """Change properties of one of the log's topics."""
    servers, _, prefix = url.removeprefix("kafka://").partition("/")
    changes = {key: (AlterConfigOp.SET, value) for key, value in properties.items()}
    admin = KafkaAdminClient(bootstrap_servers=servers)
    admin.alter_configs([ConfigResource("topic", f"{prefix}.{topic}", changes)])
    admin.close()


@pytest.fixture
def log(kafka_url: str) -> Iterator[Log]:
    log = open_log(made(kafka_url))
    yield log
    log.close()


def test_a_missing_topic_is_told_with_the_command_and_found_once_it_is_made(kafka_url: str) -> None:
    log = open_log(kafka_url)
    with pytest.raises(LogDenied, match="sidelight topics --create"):
        log.append("inference", [Record(b"1")])
    made(kafka_url)
    [address] = log.append("inference", [Record(b"1")])
    assert address.offset == 0
    log.close()


def test_another_number_of_partitions_than_the_settings_say_is_refused(kafka_url: str) -> None:
    made(kafka_url)
    log = open_log(LogSettings(url=kafka_url, partitions=3))
    with pytest.raises(ConfigError, match=r"log.partitions is 3, .* has 1"):
        log.partitions("inference")
    log.close()


def test_a_foreign_topic_may_have_any_number_of_partitions(
    kafka_broker: Kafka, kafka_url: str
) -> None:
    made(kafka_url)
    log = open_log(f"kafka://{kafka_broker.bootstrap}")
    topic = kafka_url.rpartition("/")[2] + ".panes"
    assert log.partitions(topic) == 1
    log.close()


def test_a_record_too_large_for_its_topic_is_refused_and_nothing_of_its_batch_sent(
    log: Log, kafka_url: str
) -> None:
    with pytest.raises(RecordTooLarge, match=r"max\.message\.bytes"):
        log.append("inference", [Record(b"small"), Record(bytes(17 << 20)), Record(b"small")])
    assert log.span("inference", 0).end == 0
    [address] = log.append("inference", [Record(bytes((16 << 20) - 200))])
    assert len(log.get(address).record.value) == (16 << 20) - 200


def test_nothing_is_kept_behind_a_record_that_the_broker_refuses(log: Log, kafka_url: str) -> None:
    log.append("inference", [Record(b"known")])
    altered(kafka_url, "inference", {"max.message.bytes": "1200000"})
    batch = [Record(b"before"), Record(bytes(2_000_000)), Record(b"behind")]
    with pytest.raises(RecordTooLarge, match=r"max\.message\.bytes"):
        log.append("inference", batch)
    found = [stored.record.value for stored in log.read("inference", 0, 0)]
    assert found == [b"known", b"before"]
    with pytest.raises(RecordTooLarge, match="the topic takes 1200000"):
        log.append("inference", batch)
    assert log.span("inference", 0).end == 2


def test_a_batch_is_as_large_as_the_topic_takes_and_is_never_sent_in_pieces(
    log: Log, kafka_url: str
) -> None:
    log.append("inference", [Record(b"known")])
    altered(kafka_url, "inference", {"max.message.bytes": "2000"})
    values = [b"known", *(b"%d" % number * 300 for number in range(20))]
    with pytest.raises(RecordTooLarge, match=r"max\.message\.bytes"):
        log.append("inference", [Record(value) for value in values[1:]])
    assert log.span("inference", 0).end == 1
    addresses = log.append("inference", [Record(value) for value in values[1:]])
    assert [address.offset for address in addresses] == list(range(1, 21))
    assert [stored.record.value for stored in log.read("inference", 0, 0)] == values


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 900))))
def test_each_round_has_one_batch_of_a_partition_and_keeps_the_order(
    sizes: list[tuple[int, int]],
) -> None:
    messages = [Message(partition, None, bytes(size)) for partition, size in sizes]
    found = rounds(messages, 1000)
    sent = [messages[index] for together in found for index in together]
    for partition in range(4):
        assert [m for m in sent if m.partition == partition] == [
            m for m in messages if m.partition == partition
        ]
        for together in found:
            mine = [messages[i].size for i in together if messages[i].partition == partition]
            assert sum(mine) <= 1000 or len(mine) == 1
    assert len(sent) == len(messages)


def test_records_without_value_or_key_are_read_as_empty(log: Log, kafka_url: str) -> None:
    servers, _, prefix = kafka_url.removeprefix("kafka://").partition("/")
    producer = KafkaProducer(bootstrap_servers=servers)
    producer.send(f"{prefix}.inference", None, b"gone", partition=0)
    producer.send(f"{prefix}.inference", b"kept", headers=[("none", b"")], partition=0)
    producer.close()
    found = [stored.record for stored in log.read("inference", 0, 0)]
    assert found == [Record(b"", b"gone"), Record(b"kept", b"", (("none", b""),))]


def test_aborted_transactions_are_holes(log: Log, kafka_url: str) -> None:
    servers, _, prefix = kafka_url.removeprefix("kafka://").partition("/")
    producer = KafkaProducer(bootstrap_servers=servers, transactional_id=uuid4().hex)
    producer.init_transactions()
    for value, end in ((b"1", producer.commit_transaction), (b"2", producer.abort_transaction)):
        producer.begin_transaction()
        producer.send(f"{prefix}.inference", value, partition=0)
        producer.flush()
        end()
    producer.close()
    [stored] = log.read("inference", 0, 0)
    assert stored.record.value == b"1"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while log.span("inference", 0).end < 4:  # The end of the second is written a little later.
        assert time.monotonic() < deadline
    assert log.read("inference", 0, stored.address.offset + 1) == []
    [address] = log.append("inference", [Record(b"3")])
    [stored] = log.read("inference", 0, stored.address.offset + 1)
    assert stored.address == address


def test_a_commit_is_what_other_programs_see_of_the_group(log: Log, kafka_url: str) -> None:
    servers, _, prefix = kafka_url.removeprefix("kafka://").partition("/")
    log.join("drift", "inference").commit({0: Position(7, b"note")})
    other = KafkaConsumer(bootstrap_servers=servers, group_id=f"{prefix}.drift")
    assert other.committed(TopicPartition(f"{prefix}.inference", 0)) == 7
    other.close()


def test_who_was_put_out_while_joining_gets_other_claims(log: Log) -> None:
    member = log.join("drift", "inference")
    [before] = member.claims()
    # While it joins anew, kafka-python does not tell of what is lost.
    coordinator = member._consumer._coordinator  # type: ignore[attr-defined]
    coordinator.request_rejoin()
    coordinator.rejoining = True
    coordinator.reset_generation()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (claims := member.claims()) == (before,):
        assert time.monotonic() < deadline
    [after] = claims
    assert after.partition == before.partition
    assert after.epoch > before.epoch


DIALLING_NOBODY = """
import os
from kafka import KafkaProducer
from sidelight.config.settings import LogSettings
from sidelight.errors import LogUnreachable
from sidelight.log.kafka.dialling import dial

for _ in range(8):
    try:
        dial(KafkaProducer, LogSettings(url="kafka://127.0.0.1:1/x"), seconds=0.4)
    except LogUnreachable:
        print(len(os.listdir("/proc/self/fd")))
"""


def test_refused_connections_leave_no_sockets_open() -> None:
    # In a process of its own: pytest keeps what is logged, and with that the sockets.
    told = subprocess.check_output([sys.executable, "-c", DIALLING_NOBODY], text=True)
    counts = [int(line) for line in told.split()]
    assert len(counts) == 8
    assert max(counts[2:]) <= max(counts[:2])


def test_without_kafka_python_the_address_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "kafka", None)
    with pytest.raises(MissingExtra, match=r"pip install 'sidelight\[kafka\]'"):
        open_log("kafka://127.0.0.1:1/x")


def test_checksums_in_python_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    open_log("kafka://127.0.0.1:1/x").close()
    monkeypatch.setattr(checksums, "crc32c_c", None)
    with pytest.raises(MissingExtra, match=r"crc32c.*sidelight\[kafka\]"):
        open_log("kafka://127.0.0.1:1/x")


@given(st.binary(max_size=notes.INLINE_BYTES))
def test_small_notes_travel_in_the_text(note: bytes) -> None:
    text = notes.inline(note)
    assert len(text) <= notes.TEXT_CHARACTERS
    assert notes.parse(text) == note


@given(st.lists(st.integers(0, 1 << 60), min_size=1, max_size=50, unique=True).map(sorted))
def test_places_of_large_notes_travel_in_the_text(offsets: list[int]) -> None:
    stored = notes.Stored("abc", 2, 7, 6_000_000, 0xFFFFFFFF, tuple(offsets))
    assert notes.parse(stored.text()) == stored


@pytest.mark.parametrize("text", ["other", "=%", "@1:2", "@a:b:c:d:e:f"])
def test_texts_of_other_programs_are_told(text: str) -> None:
    with pytest.raises(LogError, match="not written by Sidelight"):
        notes.parse(text)


class Shaky(Appender):
    """Gives up before or after an append when told to; what it gave up before may still arrive."""

    fails = ""

    def send(self, topic: Facts, messages: Sequence[Message]) -> list[int]:
        fails, self.fails = self.fails, ""
        self.late = topic, messages
        offsets = [] if fails == "before" else super().send(topic, messages)
        if fails:
            raise LogUnreachable("no answer")
        return offsets


class Compacting:
    """A log whose broker compacts ``state`` all the time, and a notebook in it."""

    owner = "drift/inference/0"

    def __init__(self, settings: LogSettings) -> None:
        self._settings = settings
        self.log = open_log(settings)
        self._facts = FactsOfTopics(settings).of("state")
        self.appender = Shaky(settings)
        self.book = Notebook(self.log, self.appender, lambda: self._facts)

    def page(self, committed: str | None) -> Page:
        page = Page(self.book, self.owner, Claim(0, 1))
        page.settle(committed)
        return page

    def compact(self) -> None:
        """Return when everything written before is compacted."""
        marker = uuid4().bytes
        for _ in range(3):
            self.appender.send(self._facts, [Message(0, marker, b"marker")])
            time.sleep(0.02)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.written().count(marker) > 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def kept(self, text: str) -> bytes | None:
        """The note as somebody finds it who has read nothing before."""
        with closing(open_log(self._settings)) as log:
            return Notebook(log, self.appender, lambda: self._facts).read(self.owner, text)

    def written(self) -> list[bytes]:
        """The keys of what is there; a deletion is gone, or will be with the next compaction."""
        found: list[bytes] = []
        offset = 0
        while records := self.log.read("state", 0, offset):
            found += [stored.record.key for stored in records if stored.record.value]
            offset = records[-1].address.offset + 1
        return found

    def close(self) -> None:
        self.appender.close()
        self.log.close()


@pytest.fixture
def compacting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compacting]:
    require_kafka()
    eager = NodeSettings(properties={"log.cleaner.backoff.ms": "50"})
    with Broker(tmp_path_factory.mktemp("kafka"), eager) as broker:
        settings = made(f"kafka://{broker.bootstrap}/compacting")
        compact_at_once(broker, "compacting.state")
        log = Compacting(settings)
        yield log
        log.close()


def compact_at_once(broker: Broker, topic: str) -> None:
    eager = {
        "min.compaction.lag.ms": "0",
        "segment.ms": "10",
        "min.cleanable.dirty.ratio": "0.0",
        "delete.retention.ms": "0",
    }
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    changes = {key: (AlterConfigOp.SET, value) for key, value in eager.items()}
    admin.alter_configs([ConfigResource("topic", topic, changes)])
    admin.close()


def test_the_committed_note_is_never_compacted_away(compacting: Compacting) -> None:
    def note(number: int) -> bytes:
        return b"%d " % number * 700_000

    book, owner = compacting.book, compacting.owner
    first = compacting.page(None)
    one = first.write(note(1))
    first.committed()
    # A crash, or no answer, between the note and the commit: the commit before still counts.
    first.write(note(2))
    compacting.compact()
    assert book.read(owner, one) == note(1)
    first.settle(one)
    three = first.write(note(3))
    compacting.compact()
    assert book.read(owner, one) == note(1)
    assert book.read(owner, three) == note(3)
    # Another takes the partition over, and the first wakes up and writes before it is fenced.
    second = compacting.page(one)
    four = second.write(note(4))
    first.settle(one)
    first.write(note(5))
    compacting.compact()
    assert book.read(owner, one) == note(1)
    second.committed()
    first.settle(four)
    first.write(note(6))
    compacting.compact()
    assert book.read(owner, four) == note(4)


def test_what_a_commit_replaces_is_deleted(compacting: Compacting) -> None:
    def of_notes() -> int:
        compacting.compact()
        return sum(key.startswith(b"drift/") for key in compacting.written())

    page, text = compacting.page(None), ""
    for number in range(8):
        text = page.write(b"%d" % number * 2_000_000)
        page.committed()
    assert of_notes() <= 3 * notes.PLACES
    heir = compacting.page(text)
    text = heir.write(b"small")
    heir.committed()
    assert of_notes() == 0
    assert compacting.book.read(compacting.owner, text) == b"small"


@pytest.mark.parametrize("fails", ["before", "after"])
def test_deletions_without_an_answer_never_take_a_later_note(
    compacting: Compacting, fails: str
) -> None:
    page = compacting.page(None)
    page.write(b"1" * 5000)
    page.committed()
    page.write(b"small")
    compacting.appender.fails = fails
    page.committed()
    text = page.write(b"2" * 5000)
    page.committed()
    compacting.compact()
    assert compacting.kept(text) == b"2" * 5000


def test_a_note_that_arrives_late_supersedes_no_other(compacting: Compacting) -> None:
    page = compacting.page(None)
    text = page.write(b"1" * 5000)
    page.committed()
    compacting.appender.fails = "before"
    with pytest.raises(LogUnreachable):
        page.write(b"late" * 5000)
    topic, late = compacting.appender.late
    page.settle(text)
    for number in (b"2", b"3", b"4"):
        text = page.write(number * 5000)
        page.committed()
        compacting.appender.send(topic, late)
        compacting.compact()
        assert compacting.kept(text) == number * 5000


def test_a_group_whose_note_was_taken_away_says_so(log: Log, kafka_url: str) -> None:
    member = log.join("drift", "inference")
    member.commit({0: Position(1, b"n" * 5000)})
    servers, _, prefix = kafka_url.removeprefix("kafka://").partition("/")
    admin = KafkaAdminClient(bootstrap_servers=servers)
    admin.alter_configs(
        [
            ConfigResource(
                "topic", f"{prefix}.state", {"cleanup.policy": (AlterConfigOp.SET, "delete")}
            )
        ]
    )
    admin.delete_records({TopicPartition(f"{prefix}.state", 0): -1})
    admin.close()
    with pytest.raises(LogError, match=r"gone from the topic 'state'.*compact"):
        member.committed(0)
