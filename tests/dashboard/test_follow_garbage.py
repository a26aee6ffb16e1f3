"""Whatever stands in the topics, the follower goes on and what was right stays so."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from sidelight.log import Record
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import ALARMS, DEAD_LETTERS, PANES, RESULTS
from sidelight_dashboard.following.position import position
from tests.dashboard.filled import detect, drifting, follow, settings_of, shown
from tests.dashboard.test_follow import dump

WRONG: tuple[Any, ...] = (
    None, "", "x", "\x00", "nan", -1, 2**63, 1e308, -1e-308, True, [], {}, [[]], {"a": None},
    "inference/0/-1", "/", "é" * 300,
)  # fmt: skip

TIMES = ("", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "now", "1969-12-31T23:59:59Z")


def spoiled(record: Record, chance: random.Random) -> Record:
    """With one thing wrong: in its JSON, in a header or in a byte."""
    how = chance.randrange(4)
    if how == 0:
        return replace(record, value=_with_another_byte(record.value, chance))
    if how == 1 and record.headers:
        return replace(record, headers=_with_another_header(record.headers, chance))
    try:
        told = orjson.loads(record.value)
    except orjson.JSONDecodeError:
        return replace(record, value=_with_another_byte(record.value, chance))
    _spoil(told, chance)
    return replace(record, value=orjson.dumps(told))


def _with_another_byte(value: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(value))
    return value[:place] + bytes([chance.randrange(256)]) + value[place + 1 :]


def _with_another_header(
    headers: tuple[tuple[str, bytes], ...], chance: random.Random
) -> tuple[tuple[str, bytes], ...]:
    place = chance.randrange(len(headers))
    name, _ = headers[place]
    value = chance.choice(TIMES) if name == "ce_time" else str(chance.choice(WRONG))
    return (*headers[:place], (name, value.encode()), *headers[place + 1 :])


def _spoil(told: Any, chance: random.Random) -> None:
    """Go down by chance, and put something else there."""
    while True:
        places = list(told) if isinstance(told, dict) else list(range(len(told)))
        place = chance.choice(places)
        below = told[place]
        if not isinstance(below, dict | list) or not below or chance.random() < 0.2:
            told[place] = chance.choice(WRONG)
            return
        told = below


@pytest.mark.parametrize("seed", range(3))
def test_what_was_right_stays_whatever_is_spoiled_after_it(tmp_path: Path, seed: int) -> None:
    told, log, chance = settings_of(tmp_path), MemoryLog(), random.Random(seed)
    detect(log, told, drifting())
    right = {topic: log.read(topic, 0, 0) for topic in (PANES, RESULTS, ALARMS, DEAD_LETTERS)}
    with shown(told, log) as showing:
        follow(showing)
        before = dump(showing.store)
        for topic, stored in right.items():
            records = [spoiled(chance.choice(stored).record, chance) for _ in range(300)]
            log.append(topic, records)
        follow(showing)
        after = dump(showing.store)
        for topic in right:
            assert position(showing.store, topic, 0) == log.span(topic, 0).end

    for table in ("judged", "flagged", "plan", "series", "point"):
        assert set(before[table]) <= set(after[table])
    assert sum(count for _, _, count, _, _ in after["unreadable"]) > 300
