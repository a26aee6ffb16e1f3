"""alibi-detect's online Cramer-von Mises detector on a quiet stream of five columns.

The last line says after how many rows it raised a (false) alarm: it promises 1,000 on average.
"""

from __future__ import annotations

import argparse

import numpy as np
from alibi_detect.cd import CVMDriftOnline

COLUMNS, REFERENCE, RUN_LENGTH, LIMIT = 5, 1_000, 1_000, 20_000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int)
    seed = parser.parse_args().seed
    rng = np.random.default_rng(seed)
    np.random.seed(seed)
    common = rng.standard_normal((REFERENCE + LIMIT, 1))
    rows = 0.6 * common + 0.8 * rng.standard_normal((REFERENCE + LIMIT, COLUMNS))
    bootstraps = 10 * RUN_LENGTH
    known = rows[:REFERENCE].astype(np.float32)
    detector = CVMDriftOnline(known, RUN_LENGTH, [20, 80], n_bootstraps=bootstraps, verbose=False)
    for number, row in enumerate(rows[REFERENCE:].astype(np.float32), 1):
        if detector.predict(row)["data"]["is_drift"]:
            print(f"a false alarm after {number:,} rows")
            return
    print(f"no alarm in {LIMIT:,} rows")


if __name__ == "__main__":
    main()
