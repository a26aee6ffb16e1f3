"""Outlier methods on labelled sets: what each finds, what it costs, and PyOD's beside them.

    python -m benchmarks.outliers FOLDER [--peer PYTHON] [--references 200]

FOLDER holds ADBench's `.npz` files (arrays X and y). Protocol: 70/30 split stratified on y, min-max
scaling fitted on the training part, mean test ROC AUC over three seeds. Ours hold a quarter of the
training rows out to calibrate. `--peer` is the interpreter of an environment that has PyOD; it gets
the same splits. PyOD's ECOD ranks a row among the training rows and the whole test batch, ours
among the reference and itself.

Then the rate: flagged shares over references drawn anew, against the promised 1 in 20. Then speed:
30 normal columns, a reference of 20,000.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from sidelight.config.settings import ModelSettings
from sidelight.tensors import Columns
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.outliers.methods import METHODS

PEER = Path(__file__).with_name("peers") / "pyod_outliers.py"

Matrix = NDArray[np.float64]


def columns_of(rows: Matrix) -> Columns:
    return Columns.of(**{f"x{place:03}": column for place, column in enumerate(rows.T)})


def fitted_on(rows: Matrix, method: str, rate: float = 0.05) -> Fitted:
    detectors = {"outlier": {"method": method, "rate": rate}}
    return fit(columns_of(rows), ModelSettings.model_validate({"detectors": detectors}))


def splits(folder: Path) -> Iterator[tuple[str, Matrix, Matrix, NDArray[np.int64]]]:
    """The name of a set, its training rows, its test rows and their labels."""
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as content:
            rows, labels = content["X"].astype(float), content["y"]
        for seed in range(3):
            parts = train_test_split(
                rows, labels, test_size=0.3, stratify=labels, random_state=seed
            )
            low, spread = parts[0].min(axis=0), np.ptp(parts[0], axis=0)
            scaled = [(part - low) / np.where(spread > 0, spread, 1) for part in parts[:2]]
            yield path.stem, *scaled, parts[3]


def found_by_ours(folder: Path) -> dict[str, float]:
    areas: dict[str, list[float]] = {method: [] for method in METHODS}
    for _, train, test, labels in splits(folder):
        for method, own in areas.items():
            fitted = fitted_on(train, method, rate=0.1)
            scores = fitted.score(fitted.index(columns_of(test)))
            assert scores is not None
            own.append(float(roc_auc_score(labels, scores.scores)))
    return {method: float(np.mean(own)) for method, own in areas.items()}


def found_by_peer(folder: Path, python: Path) -> dict[str, float]:
    """PyOD's methods of the same names on the same splits, in its own interpreter."""
    with tempfile.TemporaryDirectory() as scratch:
        for number, (_, train, test, labels) in enumerate(splits(folder)):
            np.savez(Path(scratch) / f"{number:04}.npz", train=train, test=test, labels=labels)
        ran = subprocess.run([python, PEER, scratch], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(ran.stdout)
    return found


def rates(method: str, references: int) -> NDArray[np.float64]:
    shares = []
    for seed in range(references):
        rng = np.random.default_rng(seed)
        fitted = fitted_on(rng.standard_t(5, (400, 5)), method)
        scores = fitted.score(fitted.index(columns_of(rng.standard_t(5, (400, 5)))))
        assert scores is not None
        shares.append(scores.flagged.mean())
    return np.array(shares)


def speed(method: str) -> tuple[float, float]:
    """Rows a second in batches of 5,000, and microseconds of one row through `observe`."""
    rng = np.random.default_rng(0)
    fitted = fitted_on(rng.normal(size=(20_000, 30)), method, rate=0.01)
    batch, one = (fitted.index(columns_of(rng.normal(size=(rows, 30)))) for rows in (5000, 1))
    timed = []
    for rows, times in ((batch, 7), (one, 500)):
        taken = []
        for _ in range(times):
            begin = time.perf_counter()
            fitted.observe(rows)
            taken.append(time.perf_counter() - begin)
        timed.append(float(np.median(taken)))
    return 5000 / timed[0], 1e6 * timed[1]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--references", type=int, default=200)
    arguments = parser.parse_args()
    if not any(arguments.folder.glob("*.npz")):
        print(f"skipped: {arguments.folder} holds no .npz of ADBench")
        return
    ours = found_by_ours(arguments.folder)
    peer = found_by_peer(arguments.folder, arguments.peer) if arguments.peer else {}
    print(f"python -m benchmarks.outliers {arguments.folder}")
    print(f"{'method':12} {'AUC %':>6} {'PyOD':>6} {'batch r/s':>10} {'one row':>8}  rate of 0.05")
    for method, area in ours.items():
        batch, one = speed(method)
        shares = rates(method, arguments.references)
        error = 1.96 * shares.std(ddof=1) / np.sqrt(len(shares))
        theirs = f"{100 * peer[method]:6.2f}" if method in peer else "     -"
        print(
            f"{method:12} {100 * area:6.2f} {theirs} {batch:10,.0f} {one:5.0f} us"
            f"  {shares.mean():.4f} +- {error:.4f}"
        )


if __name__ == "__main__":
    main()
