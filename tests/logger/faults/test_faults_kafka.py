"""F4: a log on Kafka that is not there, refuses the login, lacks its topics, or changes leaders.

The logger starts, serves, spools and says what is wrong; then everything is in the topic. Each lack
alone is held in every run by `tests/logger/test_shipper_kafka`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from sidelight.config.settings import LogSettings
from sidelight.demo.broker import Broker, NodeSettings
from sidelight.log import open_log
from sidelight.log.kafka.plans import plans
from sidelight.log.kafka.standing import create
from sidelight_detectors.streaming.marks import Marks
from tests.kafka import require_kafka
from tests.logger.commanding import Logger, running
from tests.logger.faults.accounts import (
    failures,
    sink_account,
    wait_until_carried,
    wait_until_settled,
)
from tests.logger.faults.clusters import cluster, leaders
from tests.logger.faults.load import Asker, asking, total, wait_for_more
from tests.logger.faults.oracle import compared
from tests.logger.faults.seeds import fresh
from tests.logger.faults.serving import serving
from tests.logger.shipping import carried, made
from tests.logger.sinks import wait_until

LOGIN = {"owner": "secret of the owner"}
GUARDED = NodeSettings(
    ("PLAINTEXT", "SASL_PLAINTEXT"),
    {
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
    },
    LOGIN,
)


def configured(folder: Path, url: str, **kafka: str | float) -> dict[str, str]:
    """The variable that names the log, beside the file that says how it is reached."""
    log = {"partitions": 3, "kafka": {"timeout_seconds": 3, **kafka}}
    (folder / "sidelight.yaml").write_text(json.dumps({"log": log}))
    return {"SIDELIGHT_LOG__URL": url}


def told(logger: Logger, reason: str, detail: str) -> None:
    """In the metrics, and by readiness, which stays: capturing goes on."""
    wait_until(lambda: failures(logger, reason) > 0, f"{reason} among the failures", 60)
    wait_until(lambda: detail in logger.ready(), detail, 60)
    assert logger.ready().startswith("ready\n")
    assert logger.metric("sink_up") == 0
    assert logger.metric("sink_waiting_records") > 0


def all_is_carried(logger: Logger) -> None:
    wait_until_settled(logger)
    wait_until_carried(logger, 120)
    account = sink_account(logger)
    assert (account.dropped, account.dead_lettered) == (0, 0)
    assert logger.ready() == "ready\n"
    assert logger.stop() == 0


def all_is_there(log: LogSettings, askers: Sequence[Asker]) -> None:
    """Each partition as its readers take it: what was sent again counts once."""
    kept: set[str] = set()
    with closing(open_log(log)) as opened:
        for partition in carried(opened):
            marks = Marks({})
            found = compared(one for one in partition if marks.is_new(one))
            assert found.sound, (found.altered, found.disordered, found.repeated)
            kept.update(found.kept)
    lost = {id_ for asker in askers for id_ in asker.answered} - kept
    assert not lost, f"{len(lost)} of {total(askers)}"
    assert not any(asker.failed or asker.broken for asker in askers)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_what_a_log_lacks_is_told_and_waited_for_one_after_the_other(tmp_path: Path) -> None:
    require_kafka()
    broker = Broker(tmp_path / "kafka", GUARDED)
    password = tmp_path / "password"
    password.write_text("guessed")
    login = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "SCRAM-SHA-512"}
    url = f"kafka://{broker.address('SASL_PLAINTEXT')}/guarded"
    named = configured(tmp_path, url, **login, username="owner", password_file=str(password))
    with (
        ExitStack() as later,
        serving() as model,
        running(tmp_path, "--upstream", model, **named) as logger,
    ):
        with asking(logger.address("traffic"), 2, 0.01) as askers:
            wait_for_more(askers, 100)
            told(logger, "unreachable", "no Kafka at")
            later.enter_context(broker)
            told(logger, "denied", "refuses the login of 'owner'")
            password.write_text(LOGIN["owner"])
            told(logger, "denied", "sidelight topics --create")
            log = made(f"kafka://{broker.address('PLAINTEXT')}/guarded")
            wait_until(lambda: logger.metric("sink_delivered_total") > 100, "delivery", 60)
            broker.kill()
            wait_for_more(askers, 50)
            broker.start()
            wait_for_more(askers, 50)
        all_is_carried(logger)
        all_is_there(log, askers)


def a_broker_falls(broker: Broker, askers: Sequence[Asker], apart: int) -> None:
    broker.kill()
    wait_for_more(askers, apart)
    broker.start()


def a_broker_stops(broker: Broker, askers: Sequence[Asker], apart: int) -> None:
    broker.stop()
    wait_for_more(askers, apart)
    broker.start()


def a_broker_stands_still(broker: Broker, askers: Sequence[Asker], apart: int) -> None:
    broker.pause()
    wait_for_more(askers, apart)
    broker.resume()


FAULTS = (a_broker_falls, a_broker_stops, a_broker_stands_still)


def leaders_change(folder: Path, seed: int, rounds: int, apart: int) -> None:
    """Three copies of everything; who leads falls, stops or stands still, and the shipper falls."""
    print(f"seed {seed}")
    chance = random.Random(seed)
    with cluster(folder / "kafka", followers=2) as brokers:
        url = f"kafka://{','.join(one.bootstrap for one in brokers)}/led"
        kafka = {"replication": 3, "timeout_seconds": 3}
        log = LogSettings.model_validate({"url": url, "partitions": 3, "kafka": kafka})
        create(log, plans(log))
        seen: set[tuple[int, ...]] = set()
        with (
            serving() as model,
            running(
                folder, "--upstream", model, **configured(folder, url, replication=3)
            ) as logger,
        ):
            with asking(logger.address("traffic"), 3, 0.005) as askers:
                for _ in range(rounds):
                    wait_for_more(askers, chance.randrange(1, apart))
                    seen.add(leaders(brokers, "led.inference"))
                    chance.choice(FAULTS)(chance.choice(brokers[1:]), askers, apart)
                    if chance.random() < 0.3:
                        logger.kill("shipper log")
                wait_for_more(askers, apart)
            all_is_carried(logger)
        all_is_there(log, askers)
    print(f"{total(askers)} answered, leaders were {sorted(seen)}")
    assert len(seen) > 1, "leaders have changed"


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_leaders_that_change_lose_nothing(tmp_path: Path) -> None:
    require_kafka()
    leaders_change(tmp_path, fresh(), rounds=12, apart=400)
