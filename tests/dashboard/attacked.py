"""Models under attack: a table and small pictures, with somebody who asks around one row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from sidelight.events import Exchange
from sidelight.events.exchanges import to_record
from sidelight.log import Record
from sidelight.tensors import Column, Columns
from sidelight_dashboard.showing import Showing
from tests.dashboard.filled import filled, settings_of
from tests.detectors.traffic import MODEL, PATH, SECOND, START_NS, json_body

NUMBERS = ("alpha", "beta", "gamma", "delta")
ORDINARY, QUERIES = 60, 40

TABLE: Mapping[str, Any] = {
    "features": {**dict.fromkeys(NUMBERS, "numeric"), "claim": "text"},
    "outputs": {"chance": "numeric", "answer": "categorical"},
    "outcome": {"prediction": "answer", "probability": "chance"},
    "glossary": {"beta": {"name": "claimed income"}, "answer": {"values": {"1": "granted"}}},
    "detectors": {
        "adversarial": {"client": "x-client"},
        "disagreement": {},
        "outlier": {},
        "schema": {},
    },
}
PICTURES: Mapping[str, Any] = {
    "features": {"digit": {"kind": "image", "shape": [8, 8]}},
    "outputs": {"answer": "categorical"},
    "detectors": {"adversarial": {}},
}


@contextmanager
def attacked_table(folder: Path) -> Iterator[Showing]:
    """Ordinary rows, and from the 30th on between them 40 queries that climb in ``beta``."""
    reference = people(3000, 1)
    records = [*_asked(people(ORDINARY, 2), 0, "ann"), *_asked(_search(), ORDINARY, "mallory")]
    with filled(folder, records, settings_of(folder, reference, TABLE)) as showing:
        yield showing


@contextmanager
def attacked_pictures(folder: Path) -> Iterator[Showing]:
    """Queries that change one pixel more of one digit each."""
    digits = load_digits().data
    reference = _pictures(digits[:1500])
    changed = np.repeat(digits[1600:1601], QUERIES, axis=0)
    for number in range(QUERIES):
        changed[number, np.random.RandomState(5).permutation(64)[:number]] += 3.0
    ordinary = _pictures(digits[1500:1560])
    records = [*_asked(ordinary, 0, "ann"), *_asked(_pictures(changed), len(ordinary), "")]
    with filled(folder, records, settings_of(folder, reference, PICTURES)) as showing:
        yield showing


def people(count: int, seed: int) -> Columns:
    """Ordinary rows with their answers."""
    random = np.random.RandomState(seed)
    numbers = {name: random.normal(0, 1, count).round(3) for name in NUMBERS}
    words = random.choice(["rent", "food", "travel", "tools", "books"], (count, 4))
    claims = np.array([" ".join(line) for line in words], object)
    return _answered({**numbers, "claim": claims})


def _search() -> Columns:
    """Around one far-off row; the claim's last word changes half way."""
    steps = np.arange(QUERIES)
    numbers = {name: np.full(QUERIES, 2.5) for name in NUMBERS}
    numbers["beta"] = (2.5 + 0.01 * steps).round(3)
    last = np.where(steps < QUERIES // 2, "tools", "books")
    claims = np.array([f"rent food travel {word}" for word in last], object)
    return _answered({**numbers, "claim": claims})


def _answered(rows: Mapping[str, Any]) -> Columns:
    chance = 1 / (1 + np.exp(-(np.asarray(rows["beta"], float) - 2.7) * 4))
    answer = np.where(chance > 0.5, 1, 0).astype(np.int64)
    return Columns.of(**rows, chance=chance.round(4), answer=answer)


def _pictures(digits: Any) -> Columns:
    answer = (np.asarray(digits).sum(axis=1) > 300).astype(np.int64)
    return Columns((Column("digit", np.asarray(digits, float)), Column("answer", answer)))


def _asked(rows: Columns, first: int, client: str) -> list[Record]:
    """One exchange a row, a second apart."""
    return [
        to_record(_exchange(rows.take([place]), first + place, client))
        for place in range(len(rows))
    ]


def _exchange(row: Columns, number: int, client: str) -> Exchange:
    outputs = ("chance", "answer")
    return Exchange(
        id=f"exchange-{number:06d}",
        source="/test",
        time_ns=START_NS + number * SECOND,
        duration_ns=1000,
        method="POST",
        path=PATH,
        protocol="v2",
        model=MODEL,
        version="1",
        status=200,
        outcome="answered",
        request=json_body({"inputs": [_tensor(c) for c in row if c.name not in outputs]}),
        response=json_body(
            {"model_name": MODEL, "outputs": [_tensor(c) for c in row if c.name in outputs]}
        ),
        headers={"x-client": client} if client else {},
    )


def _tensor(column: Column) -> dict[str, Any]:
    kinds = {"f": "FP64", "i": "INT64", "O": "BYTES"}
    return {
        "name": column.name,
        "shape": list(column.values.shape),
        "datatype": kinds[column.values.dtype.kind],
        "data": column.values.ravel().tolist(),
    }
