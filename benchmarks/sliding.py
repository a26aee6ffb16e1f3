"""Sliding windows: judged every 10 rows at 30 columns, through the scorer, panes and the watch.

    python -m benchmarks.sliding [rows]

Rows are scored in runs of 250, packed into panes, read back, and folded by a decider that judges
the last 1,000 rows whenever 10 have come. With a million rows or more it prints the first and the
last of them apart, and what memory has grown by in between.
"""

from __future__ import annotations

import resource
import sys
import time

import numpy as np

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.config.settings import ModelSettings
from sidelight.tensors import Columns
from sidelight_detectors.fitted import fit
from sidelight_detectors.streaming.decider import Decider
from sidelight_detectors.streaming.intake import Sample
from sidelight_detectors.streaming.panes import Pane
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.scoring import score

COLUMNS, REFERENCE, RUN, EXCHANGE = 30, 20_000, 250, 10


def plan_of(slide: int, columns: int = COLUMNS) -> Plan:
    """Numeric columns watched for drift alone, by the test and without further measures."""
    names = [f"x{number}" for number in range(columns)]
    drift = {"window": 1000, "slide": slide, "measures": [], "alarm": {"rule": "windows"}}
    model = ModelSettings.model_validate(
        {"features": dict.fromkeys(names, "numeric"), "detectors": {"drift": drift}}
    )
    return Plan("model", fit(drawn(REFERENCE, 1, columns), model), DetectorsSettings())


def drawn(rows: int, seed: int, columns: int = COLUMNS) -> Columns:
    values = np.random.RandomState(seed).normal(size=(columns, rows))
    return Columns.of(**{f"x{number}": line for number, line in enumerate(values)})


class Stream:
    """Scores and folds run after run of the same rows."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.decider = Decider(plan, 1)
        self.offset = 0
        self.stored = 0
        everything = drawn(40 * RUN, 2)
        self._parts = [
            everything.take(slice(start, start + EXCHANGE))
            for start in range(0, 40 * RUN, EXCHANGE)
        ]
        self._counted: dict[str, int] = {}

    def run(self) -> None:
        begin, count = self.offset, RUN // EXCHANGE
        samples = [
            Sample(at, at, "", self._parts[at % len(self._parts)])
            for at in range(begin, begin + count)
        ]
        self.offset += count
        scored = score(self.plan, samples, self._counted)
        self._counted = dict(scored.counted)
        place = (0, begin, self.offset, self.offset, self.plan.bucket_ns)
        pane = Pane("model", self.plan.id, *place, scored.slices, scored.flags).to_record()
        self.stored += len(pane.value)
        self.decider.accept(Pane.from_record(pane))

    def rate(self, rows: int) -> float:
        """Rows a second over so many more."""
        begin = time.perf_counter()
        for _ in range(rows // RUN):
            self.run()
        return rows / (time.perf_counter() - begin)


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    print(f"{COLUMNS} columns, window 1000, exchanges of {EXCHANGE} rows, runs of {RUN}")
    for slide in (1000, 100, 10):
        stream = Stream(plan_of(slide))
        stream.rate(5000)
        pane = stream.stored / stream.offset * (RUN // EXCHANGE)
        told = f"{stream.rate(min(rows, 100_000)):9,.0f} rows/s, {pane:7,.0f} bytes a pane"
        print(f"every {slide:4} rows  {told}")
    if rows >= 2_000_000:
        soak(rows)


def soak(rows: int) -> None:
    """The first and the last million of so many rows."""
    stream, million = Stream(plan_of(10)), 1_000_000
    print(f"first million {stream.rate(million):9,.0f} rows/s, {resident():6.0f} MB")
    stream.rate(rows - 2 * million)
    print(f"last million  {stream.rate(million):9,.0f} rows/s, {resident():6.0f} MB")


def resident() -> float:
    """Megabytes, the most there ever were."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
