from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient

from sidelight.config.brokers import KafkaAddress
from sidelight.config.settings import KafkaSettings, LogSettings
from sidelight.log import topics
from sidelight.log.kafka.access import SERVICES, commands, grants
from sidelight.log.kafka.differences import differences
from sidelight.log.kafka.plans import plans
from sidelight.log.kafka.standing import Standing, create, standings
from tests.kafka import Kafka
from tests.sidelight.test_command import run


def written(folder: Path, url: str, more: str = "") -> Path:
    (folder / "sidelight.yaml").write_text(f"log:\n  url: {url}\n{more}")
    return folder


def test_topics_that_miss_are_named_and_made_when_asked(kafka_url: str, tmp_path: Path) -> None:
    folder = written(tmp_path, kafka_url, "  partitions: 3\n")
    prefix = KafkaAddress.parse(kafka_url).prefix
    before = run("topics", cwd=folder)
    assert (before.returncode, before.stderr) == (1, "")
    assert before.stdout.count("not there\n") == len(topics.ALL)
    assert f"{prefix}.dead-letters" in before.stdout.splitlines()[-1]
    assert before.stdout.endswith("run 'sidelight topics --create'\n")

    made = run("topics", "--create", cwd=folder)
    assert (made.returncode, made.stderr) == (0, "")
    after = run("topics", cwd=folder)
    assert (after.returncode, after.stderr) == (0, "")
    rows = {line.split()[0]: line.split()[1:] for line in after.stdout.splitlines()[1:]}
    assert rows[f"{prefix}.inference"] == ["3", "1", "8192", "MiB", "a", "partition", "right"]
    assert rows[f"{prefix}.state"] == ["3", "1", "compact", "right"]
    assert rows[f"{prefix}.panes"][-1] == "right"
    assert set(rows) == {f"{prefix}.{topic}" for topic in topics.ALL}
    assert run("topics", "--create", cwd=folder).stdout == after.stdout


def test_what_differs_is_told_with_its_way_out_and_not_altered(
    kafka_url: str, tmp_path: Path
) -> None:
    create(
        LogSettings(url=kafka_url, partitions=2), plans(LogSettings(url=kafka_url, partitions=2))
    )
    folder = written(tmp_path, kafka_url, "  partitions: 3\n  retain_seconds: 7200\n")
    address = KafkaAddress.parse(kafka_url)
    for _ in range(2):
        told = run("topics", "--create", cwd=folder)
        assert (told.returncode, told.stderr) == (1, "")
        name = address.topic("inference")
        everywhere = ", ".join(address.topic(topic) for topic in topics.ALL)
        assert (
            f"{everywhere}: partitions is 2, wanted 3; it is fixed for a prefix: set"
            " log.partitions to what is there, or choose another prefix\n"
        ) in told.stdout
        assert (
            f"{name}: retention.ms is -1, wanted 7200000; run kafka-configs --bootstrap-server"
            f" {address.servers[0]} --alter --entity-type topics --entity-name {name}"
            " --add-config retention.ms=7200000\n"
        ) in told.stdout
        assert "right\n" not in told.stdout


def test_the_brokers_keep_what_the_plan_says(kafka_url: str) -> None:
    log = LogSettings(url=kafka_url, retain_bytes=1 << 30, retain_seconds=60.5)
    create(log, plans(log))
    found = {one.plan.name.rpartition(".")[2]: one for one in standings(log)}
    for standing in found.values():
        assert standing.configs == standing.plan.configs
        assert list(differences(standing, KafkaAddress.parse(kafka_url))) == []
        assert standing.configs["message.timestamp.type"] == "LogAppendTime"
        assert standing.configs["max.message.bytes"] == str(16 << 20)
    assert found["inference"].configs is not None
    assert found["inference"].configs["retention.ms"] == "60500"
    assert found["inference"].configs["retention.bytes"] == str(1 << 30)
    assert found["panes"].configs is not None
    assert found["panes"].configs["cleanup.policy"] == "delete"
    assert found["state"].configs is not None
    assert found["state"].configs["cleanup.policy"] == "compact"
    assert found["state"].configs["min.compaction.lag.ms"] == "3600000"


def test_topics_made_by_another_at_the_same_time_are_left_as_they_are(kafka_url: str) -> None:
    log = LogSettings(url=kafka_url)
    create(log, plans(log))
    create(log, plans(log))
    assert all(standing.partitions == 1 for standing in standings(log))


def test_a_log_without_a_prefix_has_plain_topics() -> None:
    assert {plan.name for plan in plans(LogSettings(url="kafka://h"))} == set(topics.ALL)


def test_more_copies_than_brokers_is_told_in_kafkas_words(kafka_url: str, tmp_path: Path) -> None:
    folder = written(tmp_path, kafka_url, "  kafka: {replication: 3}\n")
    told = run("topics", "--create", cwd=folder)
    assert told.returncode == 1
    assert "Kafka did not create" in told.stderr
    assert "replication factor" in told.stderr.lower()


def test_three_copies_ask_for_two_in_sync() -> None:
    def wanted(replication: int) -> str:
        log = LogSettings(url="kafka://h", kafka=KafkaSettings(replication=replication))
        return plans(log)[0].configs["min.insync.replicas"]

    assert [wanted(copies) for copies in (1, 2, 3, 5)] == ["1", "1", "2", "2"]


def test_a_segment_has_room_for_the_largest_batch() -> None:
    small = plans(LogSettings(url="kafka://h", segment_bytes=1 << 16))[0]
    large = plans(LogSettings(url="kafka://h", segment_bytes=1 << 40))[0]
    assert small.configs["segment.bytes"] == small.configs["max.message.bytes"]
    assert large.configs["segment.bytes"] == str((1 << 31) - 1)


def test_settings_that_may_not_be_read_are_a_complaint() -> None:
    [plan, *_] = plans(LogSettings(url="kafka://h/p"))
    standing = Standing(plan, partitions=1, replication=1, configs=None)
    [complaint] = differences(standing, KafkaAddress.parse("kafka://h/p"))
    assert "configuration is not readable" in complaint.told
    assert "DESCRIBE_CONFIGS" in complaint.way_out


def test_a_state_topic_that_is_not_compacted_is_told(kafka_url: str, tmp_path: Path) -> None:
    log = LogSettings(url=kafka_url)
    create(log, [replace(plan, configs={}) for plan in plans(log)])
    told = run("topics", cwd=written(tmp_path, kafka_url))
    assert (told.returncode, told.stderr) == (1, "")
    assert ".state: cleanup.policy is delete, wanted compact, min.compaction.lag" in told.stdout
    assert "max.message.bytes is 1048588, wanted 16777216; run kafka-configs" in told.stdout
    # One command puts right all of a topic.
    assert " --add-config cleanup.policy=compact,min.compaction.lag.ms=3600000," in told.stdout
    assert told.stdout.count("run kafka-configs") == len(topics.ALL)


def test_no_broker_is_one_line_and_exit_1(tmp_path: Path) -> None:
    folder = written(tmp_path, "kafka://127.0.0.1:1/p", "  kafka: {timeout_seconds: 1}\n")
    told = run("topics", cwd=folder)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.splitlines() == [
        "sidelight: no Kafka at 127.0.0.1:1 answered within 1 s, spoken to in PLAINTEXT"
        " (log.kafka.security_protocol): 111 ECONNREFUSED"
    ]


def test_a_local_log_has_nothing_to_do(tmp_path: Path) -> None:
    told = run("topics", cwd=written(tmp_path, "here.db"))
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout == "here.db is a local log: it makes its topics by itself, nothing to do\n"
    assert not (tmp_path / "here.db").exists()


def test_the_rights_are_printed_without_a_broker(tmp_path: Path) -> None:
    told = run("topics", "--acls", cwd=written(tmp_path, "kafka://h1:9092,h2:9092/watch"))
    assert (told.returncode, told.stderr) == (0, "")
    assert (
        "kafka-acls --bootstrap-server h1:9092,h2:9092 --add --allow-principal User:logger"
        " --operation Write --operation DescribeConfigs"
        " --topic watch.inference --topic watch.dead-letters\n"
    ) in told.stdout
    assert "--operation Read --group watch. --resource-pattern-type prefixed\n" in told.stdout


def test_groups_of_a_log_without_a_prefix_are_all_groups() -> None:
    lines = list(commands(KafkaAddress.parse("kafka://h"), "detectors"))
    assert lines[-1].endswith("--operation Read --group '*'")


@pytest.mark.parametrize("service", SERVICES)
def test_only_the_administrator_may_make_topics(service: str) -> None:
    given = {
        one for grant in grants(KafkaAddress(("h",), "p"), service) for one in grant.operations
    }
    assert ("CREATE" in given) == (service == "admin")


def topics_of(bootstrap: str) -> Any:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        return admin.list_topics()
    finally:
        admin.close()


def test_looking_makes_nothing(kafka_broker: Kafka, tmp_path: Path) -> None:
    url = kafka_broker.fresh_url()
    run("topics", cwd=written(tmp_path, url))
    prefix = KafkaAddress.parse(url).prefix
    assert not [name for name in topics_of(kafka_broker.bootstrap) if name.startswith(prefix)]
