"""A foreign topic on a real broker, and the joiner as a process of its own."""

from __future__ import annotations

import random
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from kafka import KafkaAdminClient, KafkaProducer
from prometheus_client.parser import text_string_to_metric_families

from sidelight.config.settings import LogSettings
from sidelight.log import Log, Record, open_log
from sidelight.log.kafka.plans import plans
from sidelight.log.kafka.standing import create


@dataclass
class Stage:
    """A foreign topic of four partitions, and a log of ours, on one broker."""

    bootstrap: str
    url: str
    partitions: int
    folder: Path
    topic: str = field(default="")
    port: int = 0

    def __post_init__(self) -> None:
        self.topic = "knative-broker-" + self.url.rpartition("/")[2]
        create(self.log_settings, plans(self.log_settings))
        with closing(KafkaAdminClient(bootstrap_servers=self.bootstrap)) as admin:
            wish = {"num_partitions": 4, "replication_factor": 1}
            admin.create_topics({self.topic: wish})
            admin.wait_for_topics([self.topic])

    @property
    def log_settings(self) -> LogSettings:
        return LogSettings(url=self.url, partitions=self.partitions)

    def open(self) -> Log:
        return open_log(self.log_settings)

    def produce(self, records: Sequence[Record], seed: int = 0) -> None:
        """Without keys, each to any partition, as foreign producers do."""
        chance = random.Random(seed)
        with closing(KafkaProducer(bootstrap_servers=self.bootstrap)) as producer:
            for record in records:
                producer.send(
                    self.topic,
                    value=record.value,
                    headers=list(record.headers),
                    partition=chance.randrange(4),
                )
            producer.flush(30)

    def config(self, port: int, ttl_seconds: float = 60.0) -> Path:
        place = self.folder / "sidelight.yaml"
        settings = {
            "log": {"url": self.url, "partitions": self.partitions},
            "joiner": {
                "source": f"kafka://{self.bootstrap}/{self.topic}",
                "group": f"importer-{self.topic}",
                "ttl_seconds": ttl_seconds,
                "listen": f"127.0.0.1:{port}",
            },
        }
        place.write_text(yaml.safe_dump(settings))
        return place


@contextmanager
def joiner(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`sidelight joiner`; killed at the end if it still lives."""
    command = [sys.executable, "-m", "sidelight.command", "joiner", "--config", str(config)]
    with (config.parent / "joiner.log").open("ab") as told:
        process = subprocess.Popen(command, stderr=told)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(30)


def wait_until(true: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.2)


def samples(port: int) -> dict[tuple[str, str], float]:
    """Metrics by name and value of their one label."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
        families = text_string_to_metric_families(page.read().decode())
        return {
            (sample.name, next(iter(sample.labels.values()), "")): sample.value
            for family in families
            for sample in family.samples
        }
