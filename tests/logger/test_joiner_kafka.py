"""A foreign topic on a real broker: unkeyed halves in four partitions become exchanges."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.events.kserve import to_events
from sidelight.events.records import to_record as event_record
from sidelight.log import Record
from sidelight.log.testing import MemoryLog
from tests.detectors.traffic import exchange, plan, rows
from tests.detectors.watching import panes_of, watch
from tests.kafka import Kafka
from tests.logger.foreign import Stage, joiner, samples, wait_until
from tests.logger.joining import exchanges_in, halves_of, letters_in
from tests.ports import free_port
from tests.sidelight.test_events_halves import direct, seldon


@pytest.fixture
def stage(kafka_broker: Kafka, tmp_path: Path) -> Stage:
    return Stage(kafka_broker.bootstrap, kafka_broker.fresh_url(), 3, tmp_path)


def v2_halves(number: int) -> list[Record]:
    """As KServe's own agent sends them: nothing of ours in the extensions."""
    part = rows(2, number)
    named = exchange(part, number, extensions={"inferenceservicename": "income"})
    ours = ("path", "method", "protocol", "modelname", "exchangeid", "statuscode")
    return [
        event_record(
            replace(half, extensions={n: v for n, v in half.extensions.items() if n not in ours})
        )
        for half in to_events(named, 0)
    ]


def test_detectors_score_exactly_the_exchanges(stage: Stage) -> None:
    sent = [half for number in range(60) for half in v2_halves(number)]
    random.Random(1).shuffle(sent)
    alone = v2_halves(1000)[:1]
    poison = [Record(b"no event"), Record(b"", b"", (("ce_type", b"x"),))]
    seldons = [
        direct("inference.request", b'{"instances":[[1]]}'),
        seldon("feedback", "f", b"{}"),
        direct("inference.response", b'{"predictions":[1]}'),
    ]
    stage.produce([*sent[:50], *poison, *seldons, *alone, *sent[50:], *sent[:9]])
    port = free_port()
    log = stage.open()
    # However slow this machine is, no half of a pair is given up; the lone one is, by the second.
    with joiner(stage.config(port, ttl_seconds=3600.0)) as process:
        wait_until(lambda: _all_read(port) and _counted(port, "halves", "paired") == 61 * 2)
        found = samples(port)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    with joiner(stage.config(port, ttl_seconds=1.0)) as process:
        wait_until(lambda: _counted(port, "halves", "expired") >= 1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    kinds = ("request", "response", "feedback", "malformed")
    imported = [found["sidelight_joiner_imported_records_total", kind] for kind in kinds]
    assert imported[2:] == [1, 2]
    assert found["sidelight_joiner_halves_total", "duplicate"] == 9
    assert len(letters_in(log)) == 2
    outcomes = Counter(one.outcome for one in exchanges_in(log))
    assert outcomes == {"answered": 61, "unanswered": 1}
    watch(cast(MemoryLog, log), [plan()], DetectorsSettings())
    assert sum(pane.rows for pane in panes_of(cast(MemoryLog, log))) == 120
    log.close()


def _all_read(port: int) -> bool:
    kinds = ("request", "response", "feedback", "malformed")
    imported = sum(_counted(port, "imported_records", kind) for kind in kinds)
    return imported == 60 * 2 + 2 + 3 + 1 + 9 and _counted(port, "halves", "duplicate") == 9


def _counted(port: int, name: str, label: str) -> float:
    try:
        return samples(port)[f"sidelight_joiner_{name}_total", label]
    except OSError:
        return 0.0


def kill_while_it_works(stage: Stage, kills: int, seed: int) -> None:
    """Each time it is killed somewhere; in the end every exchange is told once."""
    chance = random.Random(seed)
    port, log, each = free_port(), stage.open(), 300
    for part in range(kills + 1):
        _produce(stage, range(part * each, (part + 1) * each), chance)
        # Each kill costs the group's session: in a long run halves may wait for minutes.
        with joiner(stage.config(port, ttl_seconds=3600.0)) as process:
            if part < kills:
                _wait_for(port, chance.randrange(50, 250))
                time.sleep(chance.uniform(0, 0.3))
                process.kill()
            else:
                wait_until(lambda: len(exchanges_in(log)) >= (kills + 1) * each)
                process.send_signal(signal.SIGTERM)
                assert process.wait(30) == 0
    found = exchanges_in(log)
    assert len(found) == (kills + 1) * each
    assert {one.correlation_id for one in found} == {f"client-{n}" for n in range(len(found))}
    assert {one.outcome for one in found} == {"answered"}
    log.close()


def _produce(stage: Stage, numbers: range, chance: random.Random) -> None:
    sent = [half for number in numbers for half in halves_of(number)]
    chance.shuffle(sent)
    stage.produce(sent, chance.randrange(1000))


def _wait_for(port: int, halves: int) -> None:
    wait_until(lambda: _counted(port, "halves", "paired") > halves)


def test_a_killed_joiner_loses_nothing_and_says_nothing_twice(stage: Stage) -> None:
    kill_while_it_works(stage, kills=1, seed=5)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(5))
def test_a_joiner_killed_often_loses_nothing(stage: Stage, seed: int) -> None:
    kill_while_it_works(stage, kills=12, seed=seed)
