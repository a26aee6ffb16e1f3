"""What encoding costs, and what it finds: ``python -m benchmarks.encoders [CORRUPTED.npz]``.

Rows a second of each encoder on digits (28 x 28) and film reviews, in batches of 250 rows as the
service scores them. With a file of corrupted digits, arrays named ``CORRUPTION_SEVERITY``, also how
many corruptions drift in one window.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from sidelight.config.settings import ModelSettings
from sidelight.demo import samples
from sidelight.tensors import Columns
from sidelight_detectors.fitted import Fitted, fit

DATA, BATCH, REFERENCE = Path("build/data"), 250, 4000


def main() -> None:
    pictures, _ = samples.digits(DATA)
    films = samples.texts(DATA, "movies")
    print("encoder                 rows/s")
    for encode in ("statistics", "pca", "projection"):
        print(f"image {encode:<12} {_rate(_fitted(pictures, 'image', encode), pictures):>10,.0f}")
    for encode in ("statistics", "tfidf"):
        print(f"text  {encode:<12} {_rate(_fitted(films, 'text', encode), films):>10,.0f}")
    for path in sys.argv[1:]:
        with np.load(path) as corrupted:
            _corruptions(pictures, dict(corrupted))


def _fitted(rows: Any, kind: str, encode: str, window: int = 200) -> Fitted:
    drift = {"window": window, "alarm": {"rule": "windows"}}
    model = {"features": {"x": {"kind": kind, "encode": encode}}, "detectors": {"drift": drift}}
    return fit(Columns.of(x=rows[:REFERENCE]), ModelSettings.model_validate(model))


def _rate(fitted: Fitted, rows: Any) -> float:
    """Rows a second through the encoder alone, the best of five."""
    (encoder,) = fitted.encoding.columns.values()
    batches = [Columns.of(x=rows[at : at + BATCH])["x"] for at in range(0, 2500, BATCH)]
    best = np.inf
    for _ in range(5):
        begin = time.perf_counter()
        for batch in batches:
            encoder.encode(batch)
        best = min(best, time.perf_counter() - begin)
    return len(batches) * BATCH / best


def _corruptions(pictures: Any, corrupted: dict[str, Any]) -> None:
    print("\nencoder     window  severity  found  missed")
    for encode in ("statistics", "pca", "projection"):
        for window in (100, 200, 500):
            fitted = _fitted(pictures, "image", encode, window)
            found: dict[str, list[str]] = defaultdict(list)
            missed: dict[str, list[str]] = defaultdict(list)
            for name, rows in corrupted.items():
                corruption, _, severity = name.rpartition("_")
                summary = fitted.summarise(fitted.index(Columns.of(x=rows[:window])))
                side = found if fitted.judge(summary, 1).is_drift else missed
                side[severity].append(corruption)
            for severity in sorted({*found, *missed}):
                told = ", ".join(missed[severity])
                print(f"{encode:<10} {window:>7} {severity:>9} {len(found[severity]):>6}  {told}")


if __name__ == "__main__":
    main()
