"""A model that decides about two sexes unlike, with late labels, as the real detectors judge it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sidelight.events.feedback import Feedback
from sidelight.events.feedback import to_record as to_record_of_feedback
from sidelight.events.labels import Label
from sidelight.log import Log, Record
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import RESULTS
from sidelight.tensors import Columns
from sidelight_dashboard.showing import Showing
from sidelight_detectors.flips.finding import FlipFinding, FlipRate
from sidelight_detectors.results.events import output_record
from sidelight_detectors.results.findings import About, Seen, UnjudgedResult, WindowResult
from sidelight_detectors.streaming.outbox import read_on
from tests.dashboard.filled import detect, follow, settings_of, shown
from tests.detectors.traffic import MODEL, SECOND, START_NS, json_body, record

EXCHANGES, PER = 320, 10
LABELLED = 8
"""Rows of an exchange whose label comes; of the other two none does."""
WINDOW = 200

SETTINGS = {
    "features": {"age": "numeric", "sex": {"categories": ["f", "m"]}},
    "outputs": {"score": "numeric", "answer": "categorical"},
    "outcome": {"prediction": "answer", "probability": "score", "label": "label"},
    "glossary": {
        "sex": {"name": "gender", "values": {"f": "female", "m": "male"}},
        "answer": {"values": {"1": "granted", "0": "refused"}},
    },
    "detectors": {
        "drift": {"window": WINDOW},
        "bias": {
            "protected": {"sex": {"privileged": "m"}, "age": {"bands": [40]}},
            "intersections": [["sex", "age"]],
            "tolerance": 0.05,
        },
        "labels": {"window_seconds": 100, "wait_seconds": 60},
        "performance": {"probability": "score", "label": "label"},
    },
}


def people(count: int, seed: int) -> Columns:
    """Women are believed to be likelier than they are."""
    draw = np.random.default_rng(seed)
    age = draw.normal(42, 10, count).round(1)
    sex = np.where(draw.random(count) < 0.5, "f", "m").astype(object)
    truth = draw.random(count) < _sigmoid((age - 42) / 6)
    chance = _sigmoid((age - 42) / 6 + np.where(sex == "f", 0.9, 0.0)).round(4)
    answer = (chance >= 0.5).astype(np.int64)
    return Columns.of(age=age, sex=sex, score=chance, answer=answer, label=truth.astype(np.int64))


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-x)))


def exchanges(table: Columns) -> list[Record]:
    """An exchange a second; labels of the rows of each come five seconds later."""
    told: list[tuple[int, Record]] = []
    for number in range(len(table) // PER):
        part = table.take(slice(number * PER, (number + 1) * PER))
        told += [(number, _exchange(number, part)), (number + 5, _labels(number, part))]
    return [one for _, one in sorted(told, key=lambda pair: pair[0])]


def _exchange(number: int, part: Columns) -> Record:
    def tensor(name: str, datatype: str) -> dict[str, object]:
        values = part[name].values.tolist()
        return {"name": name, "shape": [len(values)], "datatype": datatype, "data": values}

    outputs = [tensor("score", "FP64"), tensor("answer", "INT64")]
    return record(
        part,
        number,
        version="1",
        request=json_body({"inputs": [tensor("age", "FP64"), tensor("sex", "BYTES")]}),
        response=json_body({"model_name": MODEL, "outputs": outputs}),
    )


def _labels(number: int, part: Columns) -> Record:
    values = part["label"].values.tolist()[:LABELLED]
    labels = tuple(Label(f"exchange-{number:06d}", row, value) for row, value in enumerate(values))
    at_ns = START_NS + (number + 5) * SECOND
    return to_record_of_feedback(Feedback(f"feedback-{number}", "/shop", at_ns, MODEL, labels))


def flips() -> FlipFinding:
    """Decisions about women turn on their sex, those about men hardly."""
    return FlipFinding(
        partition=0,
        number=1,
        rows=500,
        alpha=0.03,
        tolerance=0.02,
        rates=(
            FlipRate(
                "sex", "m", "f", 240, 3, 3, 0, 0.0125, 0.0026, 0.036, 0.001, "not enough data"
            ),
            FlipRate("sex", "f", "m", 260, 60, 2, 58, 0.2308, 0.181, 0.287, 0.16, "unfair"),
        ),
    )


def flipped(number: int, finding: FlipFinding) -> Record:
    """As the station says it: of no version."""
    at_ns = START_NS + number * 100 * SECOND
    seen = Seen(finding.rows, 0, (), at_ns, at_ns + 90 * SECOND)
    about = About(MODEL, "", "plan-of-flips")
    return output_record(WindowResult(f"flips-{number}", about, "flips", seen, finding, "promise"))


def unjudged(at_ns: int, reason: str) -> Record:
    """A window of decisions that had too few rows."""
    seen = Seen(12, 0, (), at_ns, at_ns)
    about = About(MODEL, "1", "plan")
    return output_record(UnjudgedResult("unjudged", about, "bias", seen, reason))


@contextmanager
def unlike(folder: Path) -> Iterator[Showing]:
    """A store of all this; `people(EXCHANGES * PER, 2)` were decided about."""
    told = settings_of(folder, people(3000, 1), model=SETTINGS)
    log = MemoryLog()
    detect(log, told, exchanges(people(EXCHANGES * PER, 2)))
    log.append(RESULTS, [flipped(1, flips()), flipped(2, flips())])
    with shown(told, log) as showing:
        follow(showing)
        yield showing


@contextmanager
def said(folder: Path, records: Sequence[Record]) -> Iterator[Showing]:
    """A store of these results alone, as of version 1."""
    log = MemoryLog()
    log.append(RESULTS, records)
    with shown(settings_of(folder, people(300, 1), model=SETTINGS), log) as showing:
        follow(showing)
        with showing.store.series.writing() as series:
            times = (START_NS, START_NS + 400 * SECOND)
            series.execute("INSERT OR REPLACE INTO version VALUES (?, '1', ?, ?)", (MODEL, *times))
        yield showing


def results_of(log: Log) -> list[Record]:
    return [one.record for one in read_on(log, RESULTS, 0, 0)]
