"""The exact permutation test of MMD: one matrix product against a copy of the kernel a permutation.

With the path of a Python that has alibi-detect and torch as argument, its `MMDDrift` runs on the
same rows in a process of its own; without, its algorithm stands in for it: the same statistic, the
kernel gathered anew for every permutation.

    python -m benchmarks.mmd [PYTHON]
"""

from __future__ import annotations

import json
import subprocess
import sys
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.joint.permutation import median_width, permutation_mmd

PERMUTATIONS = 100
COLUMNS = 10
SIZES = (1000, 2000, 5000)

_PEER = """
import json, sys, time
import numpy as np
import torch
from alibi_detect.cd import MMDDrift
torch.set_num_threads(1)
rows = np.load(sys.argv[1])
detector = MMDDrift(rows["x"], backend="pytorch", n_permutations=int(sys.argv[2]))
begin = time.perf_counter()
found = detector.predict(rows["y"])["data"]
print(json.dumps([float(found["distance"]), float(found["p_val"]), time.perf_counter() - begin]))
"""

Timed = tuple[float, float, float]
"""Statistic, p-value, seconds."""


def main() -> None:
    """Prints both for several sizes, and the ratio."""
    peer = sys.argv[1] if len(sys.argv) > 1 else None
    print(f"peer: {'alibi-detect MMDDrift' if peer else 'gathers in numpy, as alibi-detect does'}")
    print(f"{'rows':>6} {'statistic':>12} {'peer':>12} {'p':>6} {'peer':>6} {'s':>8} {'peer s':>8}")
    for size in SIZES:
        x, y = _rows(size)
        ours = _ours(x, y)
        theirs = _alibi(peer, x, y) if peer else _gathered(x, y)
        line = f"{size:6} {ours[0]:12.8f} {theirs[0]:12.8f} {ours[1]:6.3f} {theirs[1]:6.3f}"
        print(f"{line} {ours[2]:8.3f} {theirs[2]:8.3f}  {theirs[2] / ours[2]:.0f}x")


def _rows(size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    draw = np.random.default_rng(0)
    rows = draw.standard_normal((size, COLUMNS))
    return rows[: size * 4 // 5], rows[size * 4 // 5 :] + 0.1


def _ours(x: NDArray[np.float64], y: NDArray[np.float64]) -> Timed:
    width = median_width(x)
    begin = perf_counter()
    found = permutation_mmd(x, y, PERMUTATIONS, width=width)
    return found.statistic, found.p_value, perf_counter() - begin


def _alibi(python: str, x: NDArray[np.float64], y: NDArray[np.float64]) -> Timed:
    with TemporaryDirectory() as folder:
        path = f"{folder}/rows.npz"
        np.savez(path, x=x, y=y)
        command = [python, "-W", "ignore", "-c", _PEER, path, str(PERMUTATIONS)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    statistic, p_value, seconds = json.loads(done.stdout.splitlines()[-1])
    return statistic, p_value, seconds


def _gathered(x: NDArray[np.float64], y: NDArray[np.float64]) -> Timed:
    width, draw = median_width(x), np.random.default_rng(1)
    begin = perf_counter()
    rows = np.concatenate([x, y])
    squares = (rows**2).sum(axis=1)
    distances = np.maximum(squares[:, None] + squares - 2 * rows @ rows.T, 0)
    kernel = np.exp(distances / -width)
    np.fill_diagonal(kernel, 0)
    observed, above = _unbiased(kernel, len(y)), 0
    for _ in range(PERMUTATIONS):
        order = draw.permutation(len(rows))
        above += _unbiased(kernel[order][:, order], len(y)) >= observed
    return observed, (1 + above) / (1 + PERMUTATIONS), perf_counter() - begin


def _unbiased(kernel: NDArray[np.float64], n: int) -> float:
    m = len(kernel) - n
    first, second, between = kernel[:m, :m].sum(), kernel[m:, m:].sum(), kernel[m:, :m].mean()
    return float(first / (m * (m - 1)) + second / (n * (n - 1)) - 2 * between)


if __name__ == "__main__":
    main()
