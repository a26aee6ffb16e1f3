"""The broker of the test run: one real Kafka, started when the first test asks for it.

``SIDELIGHT_KAFKA=host:port`` names one that runs already; it is used and never stopped. Tests that
kill or pause a broker take `own_broker`.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sidelight.demo.broker import Broker, missing_tools


@dataclass(frozen=True)
class Kafka:
    """A broker to use and leave alone; `bootstrap` is ``host:port``."""

    bootstrap: str

    def fresh_url(self) -> str:
        """The address of a log under a prefix that nobody used before."""
        return f"kafka://{self.bootstrap}/t{uuid.uuid4().hex[:12]}"


def require_kafka() -> None:
    """Skip where no broker can be started; fail where that must not happen."""
    missing = missing_tools()
    if missing and must_run():
        pytest.fail(missing, pytrace=False)
    if missing:
        pytest.skip(missing)


def must_run() -> bool:
    """Whether what a test needs has to be here."""
    return os.environ.get("CI") == "true" or os.environ.get("SIDELIGHT_REQUIRE_KAFKA") == "1"


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """The run's broker, for everything that does not harm it."""
    if address := os.environ.get("SIDELIGHT_KAFKA"):
        yield Kafka(address)
        return
    require_kafka()
    with Broker(tmp_path_factory.mktemp("kafka")) as broker:
        yield Kafka(broker.bootstrap)


@pytest.fixture
def kafka_url(kafka_broker: Kafka) -> str:
    """A log address of this test's own on the run's broker."""
    return kafka_broker.fresh_url()


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker that the test may stop, kill and pause."""
    require_kafka()
    with Broker(tmp_path / "kafka") as broker:
        yield broker
