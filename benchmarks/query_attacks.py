"""The detector of attacks across queries: its speed, and how often it errs on ordinary people.

    python -m benchmarks.query_attacks

Speed is that of one decider with its memory full. False episodes are counted on people of a census
that the reference does not have, each once and then drawn again and again (so most are the same
rows sent again); the upper limits are Clopper and Pearson's, 95 %, for 10,000 queries and
for as many different ones.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from scipy import special

from sidelight.config.settings import ModelSettings
from sidelight.demo import samples
from sidelight.tensors import Columns
from sidelight_detectors.adversarial.fold import Attacks
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.results.findings import Alarm
from sidelight_detectors.streaming.folds import Folding, Traced, Watched
from sidelight_detectors.streaming.trace import Exchanges, Trace

DATA = Path("build/data")

RUN = 2000
"""Rows of a pane."""

ACS = (
    "SCHL", "MAR", "RELP", "DIS", "ESP", "CIT", "MIG", "MIL", "ANC", "NATIVITY", "DEAR", "DEYE",
    "DREM", "SEX", "RAC1P",
)  # fmt: skip
"""Features of the employment model that are categories; AGEP is a number."""


def adult() -> tuple[Fitted, Columns]:
    """Half of the people as reference, the others as traffic."""
    table = samples.census(DATA)
    kinds = {
        name: "numeric" if name in samples.CENSUS_NUMBERS else "categorical"
        for name in table.names
        if name != "income"
    }
    half = len(table) // 2
    return _fitted(table.take(slice(0, half)), kinds), table.take(slice(half, None))


def employment() -> tuple[Fitted, Columns]:
    """The year that the model was judged on, then 100,000 people of the years after it."""
    kinds = {"AGEP": "numeric", **dict.fromkeys(ACS, "categorical")}
    return _fitted(_acs("reference.pq"), kinds), _acs("analysis.pq").take(slice(0, 100_000))


def _acs(file: str) -> Columns:
    table = pq.read_table(DATA / file)
    found = {name: table.column(name).cast("string").to_numpy(False) for name in ACS}
    age = table.column("AGEP").cast("double").to_numpy(False)
    return Columns.of(AGEP=age, **{name: values.astype(object) for name, values in found.items()})


def _fitted(reference: Columns, kinds: dict[str, str]) -> Fitted:
    settings = {"features": kinds, "detectors": {"adversarial": {}}}
    return fit(reference, ModelSettings.model_validate(settings))


def traces(fitted: Fitted, rows: Columns) -> Iterator[Trace]:
    """A row an exchange, a hundred a second."""
    for first in range(0, len(rows), RUN):
        part = rows.take(slice(first, first + RUN))
        trail = fitted.observe(fitted.index(part)).trails["adversarial"]
        numbers, zeros = np.arange(first, first + len(part)), np.zeros(len(part), np.int32)
        ids = np.zeros(len(part), np.uint64)
        times = 1_700_000_000_000_000_000 + numbers * 10_000_000
        exchanges = Exchanges(numbers, times, zeros + 1, zeros, zeros, ids, ids)
        yield Trace(fitted.plan, 0, first, ("1",), ("",), exchanges, {"adversarial": trail})


def folded(fitted: Fitted, rows: Columns) -> tuple[Attacks, int, float]:
    """The fold afterwards, alarms raised, and seconds of its processor time."""
    part = fitted.parts["adversarial"]
    assert isinstance(part, Folding)
    fold = part.fold(Watched("people", fitted.plan))
    assert isinstance(fold, Attacks)
    raised, spent = 0, 0.0
    for pane, trace in enumerate(traces(fitted, rows)):
        began = time.process_time()
        outputs = list(fold.accept(Traced(trace, pane, 0)))
        spent += time.process_time() - began
        raised += sum(isinstance(one, Alarm) and one.change == "raised" for one in outputs)
    return fold, raised, spent


def main() -> None:
    names = f"{'rows':>8} {'different':>9} {'episodes':>8} {'per 10k <=':>10} {'different':>10}"
    print(f"{'traffic':<28} {names} rows/s")
    random = np.random.RandomState(1)
    for name, (fitted, rows) in {"Adult": adult(), "ACS employment": employment()}.items():
        again = rows.take(random.randint(0, len(rows), 200_000))
        for how, asked in {"as it comes": rows, "drawn again": again}.items():
            fold, raised, spent = folded(fitted, asked)
            told = f"{len(asked):>8} {fold.queries:>9} {raised:>8}"
            for count in (len(asked), fold.queries):
                limit = 1e4 * special.betaincinv(raised + 1, count - raised, 0.95)
                told += f" {limit:>10.2f}"
            print(f"{name + ', ' + how:<28} {told} {len(asked) / spent:>6.0f}")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
