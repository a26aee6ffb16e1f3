"""Records opened together: the same panes and dead letters as when each is opened alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest import mock

import orjson
import pytest

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.events import Body
from sidelight.log import Record, Stored
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import DEAD_LETTERS, INFERENCE, PANES
from sidelight_detectors.streaming import ahead, cutter
from sidelight_detectors.streaming.ahead import open_ahead
from sidelight_detectors.streaming.intake import Faulty, Sample, WatchedColumns, take
from sidelight_detectors.streaming.opened import Opened, Rows
from tests.detectors.traffic import MODEL, exchange, json_body, plan, record, rows, traffic
from tests.detectors.watching import records_of, watch

PLAN = plan()
WATCHED = {MODEL: WatchedColumns.by(PLAN)}


def stored_in(records: list[Record]) -> list[Stored]:
    log = MemoryLog()
    log.append(INFERENCE, records)
    return log.read(INFERENCE, 0, 0, max_records=len(records))


def answered(version: str, count: int) -> Body:
    scores = {"name": "score", "shape": [count], "datatype": "FP64", "data": [0.3] * count}
    return json_body({"model_version": version, "outputs": [scores]})


def mixed() -> list[Record]:
    """Two versions, one to three rows, duplicates, failures, and five kinds of dead letters."""
    found = []
    for number in range(120):
        part = rows(1 + number % 3, seed=number, shift=3.0 if number % 11 == 0 else 0.0)
        changes: dict[int, dict[str, Any]] = {
            5: {"request": Body(b"{", "application/json", size=1)},
            17: {"response": answered("1", len(part) + 1)},
            29: {"request": json_body({"inputs": []})},
            31: {"log_id": "log", "sequence": 1},
            37: {"log_id": "log", "sequence": 1},
            41: {"status": 500},
            43: {"model": "other"},
            53: {"response": json_body({"outputs": []})},
        }
        version = {"response": answered(str(number % 2), len(part))}
        found.append(record(part, number, **(version | changes.get(number % 60, {}))))
    found.insert(60, Record(b"no exchange", b"key"))
    return found


def said(records: list[Record], service: DetectorsSettings) -> dict[str, list[bytes]]:
    log = MemoryLog()
    log.append(INFERENCE, records)
    watch(log, [PLAN], service)
    return {topic: [one.value for one in records_of(log, topic)] for topic in (PANES, DEAD_LETTERS)}


@pytest.mark.parametrize("run_rows", [1, 7, 50, 1000])
def test_panes_and_dead_letters_are_those_of_records_opened_alone(run_rows: int) -> None:
    service = DetectorsSettings(run_rows=run_rows)
    together = said(mixed(), service)
    with mock.patch.object(cutter, "open_ahead", lambda stored, watched: list(stored)):
        alone = said(mixed(), service)
    assert together == alone
    assert len(together[DEAD_LETTERS]) > 4


def test_exchanges_alike_share_a_block() -> None:
    opened = open_ahead(stored_in(traffic(rows(20, 1), 2)), WATCHED)
    found = [one.rows for one in opened if isinstance(one, Opened) and one.rows]
    assert len({id(part.block) for part in found}) == 1
    assert [(part.start, part.stop) for part in found] == [(2 * i, 2 * i + 2) for i in range(10)]


def test_one_that_is_malformed_is_named_at_its_turn_and_its_neighbours_are_scored() -> None:
    records = traffic(rows(20, 1))
    records[9] = record(rows(1, 1), 9, request=json_body({"inputs": [{"name": "age"}]}))
    taken = [
        take(one, WATCHED, lambda _: True)[1] for one in open_ahead(stored_in(records), WATCHED)
    ]
    assert [number for number, one in enumerate(taken) if isinstance(one, Faulty)] == [9]
    assert sum(isinstance(one, Sample) and isinstance(one.columns, Rows) for one in taken) > 10


def test_what_breaks_our_own_code_together_is_opened_alone() -> None:
    stored = stored_in(traffic(rows(8, 1)))
    with mock.patch.object(ahead, "decode_blocks", side_effect=RuntimeError):
        assert open_ahead(stored, WATCHED) == stored


def test_exchanges_of_other_models_are_not_decoded() -> None:
    strangers = [record(rows(1, 1), number, model="other") for number in range(8)]
    opened = open_ahead(stored_in(strangers), WATCHED)
    assert [one.rows for one in opened if isinstance(one, Opened)] == [None] * 8


def test_a_column_that_is_missing_is_named_at_its_turn() -> None:
    ask = orjson.loads(exchange(rows(1, 1)).request.content)
    part = replace(exchange(rows(1, 1)), request=json_body({"inputs": ask["inputs"][:1]}))
    records = [record(rows(1, 1), number, request=part.request) for number in range(6)]
    for one in open_ahead(stored_in(records), WATCHED):
        _, faulty = take(one, WATCHED, lambda _: True)
        assert isinstance(faulty, Faulty)
        assert "'sex' is missing" in str(faulty.cause)
