"""Evidently's default drift report on quiet windows, as in `benchmarks.false_alarms`.

The last line says in how many windows any column was called drifted, and in how many the data set.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset

COLUMNS, REFERENCE, WINDOW, WINDOWS = 30, 20_000, 1_000, 5


def draw(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    common = rng.standard_normal((rows, 1))
    values = 0.6 * common + 0.8 * rng.standard_normal((rows, COLUMNS))
    return pd.DataFrame(values, columns=[f"x{number}" for number in range(COLUMNS)])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int)
    rng = np.random.default_rng(parser.parse_args().seed)
    reference, any_column, whole = draw(rng, REFERENCE), 0, 0
    for _ in range(WINDOWS):
        report = Report([DataDriftPreset()]).run(draw(rng, WINDOW), reference)
        drifted = report.dict()["metrics"][0]["value"]
        any_column += drifted["count"] > 0
        whole += drifted["share"] >= 0.5
    print(f"some column in {any_column} of {WINDOWS} windows, the data set in {whole}")


if __name__ == "__main__":
    main()
