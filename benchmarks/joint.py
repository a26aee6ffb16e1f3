"""What watching all columns together costs: rows a second, and the bytes of a pane.

python -m benchmarks.joint
"""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter

import numpy as np

from sidelight.config.settings import ModelSettings
from sidelight.tensors import Column, Columns
from sidelight_detectors.fitted import Fitted, fit

COLUMNS = 30
ROWS = 1000
ROUNDS = 30


def main() -> None:
    """Prints each combination: observing indexed rows, and what its pane of 1,000 rows takes."""
    print(f"{COLUMNS} normal columns, panes of {ROWS} rows, default cells, rows already indexed")
    print(f"{'detectors':24} {'rows/s':>10} {'pane bytes':>10}")
    drift: dict[str, object] = {"measures": []}
    _line("drift", {"drift": drift})
    _line("drift + MMD", {"drift": drift, "joint": {"pairs": 0}})
    _line("drift + MMD + pairs", {"drift": drift, "joint": {}})


def _line(name: str, detectors: Mapping[str, object]) -> None:
    model = ModelSettings.model_validate({"reference": "rows.csv", "detectors": detectors})
    fitted = fit(_rows(10_000, 0), model)
    size = len(fitted.summarise(fitted.index(_rows(ROWS, 1))).to_bytes())
    print(f"{name:24} {ROWS / _seconds(fitted):10,.0f} {size:10,}")


def _seconds(fitted: Fitted) -> float:
    indexed = fitted.index(_rows(ROWS, 1))
    taken = []
    for _ in range(ROUNDS):
        begin = perf_counter()
        fitted.summarise(indexed)
        taken.append(perf_counter() - begin)
    return float(np.median(taken))


def _rows(n: int, seed: int) -> Columns:
    draw = np.random.default_rng(seed)
    shared = draw.standard_normal((n, 1))
    numbers = 0.5 * shared + draw.standard_normal((n, COLUMNS))
    return Columns(tuple(Column(f"c{place}", numbers[:, place]) for place in range(COLUMNS)))


if __name__ == "__main__":
    main()
