"""The receiver before a log on Kafka."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest

from sidelight.log import topics
from tests.kafka import Kafka
from tests.logger.foreign import Stage
from tests.logger.receiving import half, joined, receiver


@pytest.fixture
def stage(kafka_broker: Kafka, tmp_path: Path) -> Stage:
    return Stage(kafka_broker.bootstrap, kafka_broker.fresh_url(), 3, tmp_path)


def test_halves_of_many_senders_meet_in_their_partitions(stage: Stage) -> None:
    with closing(stage.open()) as log:
        statuses: list[int] = []
        with receiver(log) as client:

            def send(numbers: range, side: str) -> None:
                statuses.extend(client.say(half(side, number)).status for number in numbers)

            sending = [
                Thread(target=send, args=(range(first, 60, 3), side))
                for first in range(3)
                for side in ("request", "response")
            ]
            for one in sending:
                one.start()
            for one in sending:
                one.join()
        assert statuses == [200] * 120
        assert all(log.span(topics.HALVES, partition).end for partition in range(3))
        found = joined(log)
    assert sorted(one.correlation_id for one in found) == sorted(f"client-{n}" for n in range(60))
    assert {one.outcome for one in found} == {"answered"}
