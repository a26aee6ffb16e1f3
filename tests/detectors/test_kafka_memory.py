"""Detectors that remember rows, killed on a real broker: they read again what they remembered."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from sidelight.config.settings import ModelSettings
from sidelight.events import Body, Exchange
from sidelight.events.exchanges import to_record
from sidelight.events.feedback import Feedback
from sidelight.events.feedback import to_record as to_record_of_feedback
from sidelight.events.labels import Label
from sidelight.log import Log, Record, open_log
from sidelight.log.kafka.plans import plans
from sidelight.log.kafka.standing import create
from sidelight.log.topics import ALARMS, INFERENCE, PANES, RESULTS
from sidelight.tensors import Columns
from sidelight_detectors.labels.finding import LabelsFinding
from sidelight_detectors.results.events import output_of, output_record
from sidelight_detectors.results.findings import Alarm, AttackResult, Output, WindowResult
from sidelight_detectors.service.planning import fitted_plans
from sidelight_detectors.streaming.decider import Decider
from sidelight_detectors.streaming.outbox import read_on
from sidelight_detectors.streaming.panes import Pane
from sidelight_detectors.streaming.plan import Plan
from tests.detectors.fleet import PATIENCE_SECONDS, SESSION_SECONDS, Fleet, loaded
from tests.detectors.test_service import write_table
from tests.detectors.traffic import MODEL, SECOND, START_NS

PARTITIONS = 3
FEATURES = tuple("abcdef")


def people(count: int, seed: int, width: float = 1.0) -> Columns:
    """Rows; those of a small width are the queries of an attack."""
    rng = np.random.default_rng(seed)
    values = rng.normal(1.5 * (width < 1), width, (count, len(FEATURES)))
    answer = (values.sum(axis=1) > 0).astype(np.int64)
    label = np.where(rng.random(count) < 0.9, answer, 1 - answer)
    return Columns.of(**dict(zip(FEATURES, values.T, strict=True)), answer=answer, label=label)


def configured(folder: Path, url: str) -> Path:
    write_table(folder / "reference.parquet", people(4000, 1))
    model = ModelSettings.model_validate(
        {
            "reference": folder / "reference.parquet",
            "features": dict.fromkeys(FEATURES, "numeric"),
            "outputs": {"answer": "categorical"},
            "outcome": {"prediction": "answer", "label": "label"},
            "detectors": {
                "labels": {"window_seconds": 600, "wait_seconds": 3600},
                "adversarial": {},
            },
        }
    )
    document = {
        "log": {
            "url": url,
            "partitions": PARTITIONS,
            "kafka": {"session_seconds": SESSION_SECONDS},
        },
        "models": {MODEL: json.loads(model.model_dump_json(exclude_none=True))},
        "detectors": {"listen": "127.0.0.1:0", "run_rows": 100, "run_seconds": 0.2},
    }
    file = folder / "sidelight.yaml"
    file.write_text(json.dumps(document))
    log = loaded(file).log
    create(log, plans(log))
    return file


def exchange(number: int, row: Columns) -> Record:
    """A row a second, which has the number's name."""

    def tensor(name: str) -> dict[str, Any]:
        kind = "INT64" if name == "answer" else "FP64"
        return {"name": name, "shape": [1], "datatype": kind, "data": row[name].values.tolist()}

    asked, told = {"inputs": list(map(tensor, FEATURES))}, {"outputs": [tensor("answer")]}
    return to_record(
        Exchange(
            id=f"exchange-{number}",
            source="/test",
            time_ns=START_NS + number * SECOND,
            duration_ns=1,
            method="POST",
            path=f"/v2/models/{MODEL}/infer",
            protocol="v2",
            model=MODEL,
            version="1",
            status=200,
            outcome="answered",
            request=_body(asked),
            response=_body({"model_name": MODEL, **told}),
        )
    )


def _body(document: object) -> Body:
    content = orjson.dumps(document)
    return Body(content, "application/json", size=len(content))


def story() -> list[Record]:
    """People, and in their midst an attack; what came true is told twenty minutes later."""
    parts = [people(1500, 2), people(150, 3, 0.02), people(1500, 4)]
    rows = Columns.concatenate(parts)
    told: list[Record] = []
    for number in range(len(rows)):
        told.append(exchange(number, rows.take(slice(number, number + 1))))
        if (earlier := number - 1200) >= 0:
            label = Label(f"exchange-{earlier}", 0, int(rows["label"].values[earlier]))
            at = START_NS + number * SECOND
            said = Feedback(f"feedback-{number}", "/shop", at, MODEL, (label,))
            told.append(to_record_of_feedback(said))
    return told


def said(log: Log) -> dict[bytes, Record]:
    """Each once; what is said twice must be the same."""
    found: dict[bytes, Record] = {}
    for topic in (RESULTS, ALARMS):
        for number in range(log.partitions(topic)):
            for one in read_on(log, topic, number, 0):
                assert found.setdefault(one.record.key, one.record) == one.record
    return found


def folded(log: Log, plan: Plan) -> tuple[Decider, list[Output]]:
    """What one says that was never killed, of the same panes."""
    decider, outputs = Decider(plan, PARTITIONS), []
    for number in range(log.partitions(PANES)):
        for one in read_on(log, PANES, number, 0):
            outputs += decider.accept(Pane.from_record(one.record), one.address.offset)
    return decider, outputs


def until_all_is_said(log: Log, plan: Plan, fleet: Fleet) -> Iterator[Output]:
    ends = [[n, log.span(INFERENCE, n).end] for n in range(PARTITIONS)]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        decider, outputs = folded(log, plan)
        is_read = [list(pair) for pair in decider.chain.saved()["expected"]] == ends
        if is_read and {one.id.encode() for one in outputs} <= said(log).keys():
            return iter(outputs)
        assert time.monotonic() < deadline, fleet.last_words()
        time.sleep(0.5)


def test_killed_in_an_attack_and_before_labels_it_says_what_it_would_have_said(
    tmp_path: Path, kafka_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = configured(tmp_path, kafka_url)
    plan = fitted_plans(loaded(config))[MODEL]
    log, fleet, told = open_log(loaded(config).log), Fleet(config, random.Random(1)), story()
    try:
        fleet.start_working()
        # The first kill is in the midst of the attack, the second when labels come.
        for begin, end in ((0, 1800), (1800, 3400), (3400, len(told))):
            log.append(INFERENCE, told[begin:end])
            list(until_all_is_said(log, plan, fleet))
            if end < len(told):
                fleet.kill()
                fleet.start_working()
        late = exchange(100_000, people(1, 5))
        for number in range(PARTITIONS):
            log.append(INFERENCE, [late], partition=number)
        outputs = list(until_all_is_said(log, plan, fleet))
        expected = {one.key: one for one in map(output_record, outputs)}
        assert said(log) == expected
    finally:
        fleet.close()
        log.close()
    found = [output_of(one) for one in expected.values()]
    assert any(isinstance(one, AttackResult) for one in found)
    assert any(isinstance(one, Alarm) for one in found)
    findings = [one.finding for one in found if isinstance(one, WindowResult)]
    settled = [one for one in findings if isinstance(one, LabelsFinding) and one.is_final]
    assert sum(one.labelled for one in settled) > 1800
