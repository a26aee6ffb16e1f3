"""A broker's log gives the same store, and its topics may come later."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path
from typing import Any

from kafka import KafkaAdminClient, TopicPartition

from sidelight.config.brokers import KafkaAddress
from sidelight.config.settings import LogSettings, Settings
from sidelight.log import Log, open_log
from sidelight.log.kafka.plans import plans
from sidelight.log.kafka.standing import create
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import ALARMS, DEAD_LETTERS, PANES, RESULTS
from sidelight_dashboard.following.follower import Follower
from sidelight_dashboard.store.opening import Store
from tests.dashboard.filled import detect, drifting, follow, settings_of, shown
from tests.dashboard.test_follow import dump, wait_until

PARTITIONS = 3
OF_EVERY_ENGINE = ("slot", "version", "plan", "series", "point", "judged", "flagged", "attack")


def told_by(store: Store) -> dict[str, list[Any]]:
    """All that does not tell one engine from another."""
    return {name: rows for name, rows in dump(store).items() if name in OF_EVERY_ENGINE}


def settings_at(url: str, folder: Path) -> Settings:
    log = LogSettings(url=url, partitions=PARTITIONS)
    told = settings_of(folder, dashboard={"folder": str(folder / "own")})
    return told.model_copy(update={"log": log})


def copied(log: Log, to: Log) -> None:
    """What the detectors said, partition by partition."""
    for topic in (PANES, RESULTS, ALARMS, DEAD_LETTERS):
        for partition in range(PARTITIONS):
            records = [stored.record for stored in log.read(topic, partition, 0)]
            to.append(topic, records, partition=partition)


def test_a_brokers_log_gives_the_same_store_though_its_topics_come_later(
    kafka_url: str, tmp_path: Path
) -> None:
    told = settings_at(kafka_url, tmp_path)
    memory = MemoryLog(PARTITIONS)
    detect(memory, told, drifting())
    with shown(told.model_copy(update={"log": LogSettings(url=str(tmp_path / "m"))}), memory) as at:
        follow(at)
        usual = told_by(at.store)
        at.store.forget_series()

    log, stop = open_log(told.log), threading.Event()
    with shown(told, log) as showing:
        follower = Follower(showing, stop)
        thread = threading.Thread(target=follower.run)
        thread.start()
        wait_until(lambda: "topic" in (follower.waits_for or ""))
        create(told.log, plans(told.log))
        copied(memory, log)
        wait_until(lambda: told_by(showing.store) == usual)
        stop.set()
        thread.join()
    log.close()


def test_what_a_brokers_retention_took_is_missing_and_the_rest_is_there(
    kafka_url: str, tmp_path: Path
) -> None:
    told = settings_at(kafka_url, tmp_path)
    memory = MemoryLog(PARTITIONS)
    detect(memory, told, drifting())
    create(told.log, plans(told.log))
    with closing(open_log(told.log)) as log, shown(told, log) as showing:
        copied(memory, log)
        retire(told, PANES, 2)
        follow(showing)
        ((rows,),) = showing.store.series.rows("SELECT sum(rows) FROM slot")
        flagged = showing.store.series.rows("SELECT * FROM flagged")
        whole = sum(memory.span(RESULTS, partition).end for partition in range(PARTITIONS))

    assert 0 < rows < 600
    assert 0 < len(flagged) < whole


def retire(told: Settings, topic: str, before: int) -> None:
    """What the broker does when records are too old."""
    address = KafkaAddress.parse(told.log.url)
    with closing(KafkaAdminClient(bootstrap_servers=list(address.servers))) as admin:
        admin.delete_records(
            {
                TopicPartition(address.topic(topic), partition): before
                for partition in range(PARTITIONS)
                if end_of(told, topic, partition) >= before
            }
        )


def end_of(told: Settings, topic: str, partition: int) -> int:
    with closing(open_log(told.log)) as log:
        return log.span(topic, partition).end
