"""Errors of Shapley values at equal rows, ours beside the peers'; intervals; stopping.

Error is the squared distance to the truth, relative to the truth's own. Rows are counted at the
predictor; peers are set to the same number (shap's `SamplingExplainer` asks two rows a sample;
`PermutationExplainer` cannot do with less than ``(2 n + 1) * 100`` rows). shapiq runs in an
environment of its own, named by ``SHAPIQ_PYTHON``, and is left out without one.
Run: ``python -m benchmarks.shapley``.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import shap

from benchmarks._shapley_games import BenchmarkGame, Floats, Predict, games
from sidelight.config.explaining.of_model import ModelExplainers
from sidelight.config.explaining.shapley import ShapleySettings
from sidelight.config.settings import ModelSettings
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Column, Columns
from sidelight_explainers.contents.attributions import Attributions
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.models import explained
from sidelight_explainers.subject import Subject

ROWS = 10_002
EXPLAINED = 2
SEEDS = 3
STOPPED = 8
"""Seeds of what stops at a tolerance."""
REPEATS = 24
AROUND = (3 / 4, 1, 4 / 3)
"""Seeds of the oracle at each of so many parts of the rows."""
Estimate = Callable[[BenchmarkGame, Predict, int], Floats]


class Counting:
    """A predictor's function that counts its rows."""

    def __init__(self, predict: Predict) -> None:
        self.predict = predict
        self.rows = 0

    def __call__(self, table: Floats) -> Floats:
        self.rows += len(table)
        return self.predict(table)


def named(table: Floats) -> Columns:
    return Columns(tuple(Column(f"f{at:03}", table[:, at]) for at in range(table.shape[1])))


def explanation(game: BenchmarkGame, predict: Predict, row: int, **options: Any) -> Explanation:
    def answer(rows: Columns) -> Columns:
        return Columns((Column("y", predict(np.column_stack([one.values for one in rows]))),))

    told = ShapleySettings(max_budget=1 << 20, deadline_seconds=500, **options)
    settings = ModelSettings(explainers=ModelExplainers(shapley=told))
    reference = named(game.background)
    subject = Subject("m", settings, reference.names, reference, reference)
    model = explained(subject, FunctionPredictor(answer))
    return model.explain("shapley", told, named(game.rows[[row]]))


def values(found: Explanation) -> tuple[Floats, Floats]:
    """Contributions, and half widths of their intervals."""
    assert isinstance(found.content, Attributions)
    parts = found.content.attributions
    half = [((one.high or 0.0) - (one.low or 0.0)) / 2 for one in parts]
    return np.array([one.contribution for one in parts]), np.array(half)


def sampling(game: BenchmarkGame, predict: Predict, row: int) -> Floats:
    np.random.seed(row)
    asked = (ROWS - 400) // 2
    told = shap.SamplingExplainer(predict, game.background)
    answer = told.shap_values(game.rows[[row]], nsamples=asked, silent=True)
    return np.asarray(answer[0])


def permutation(game: BenchmarkGame, predict: Predict, row: int) -> Floats:
    players = game.rows.shape[1]
    evaluations = max(ROWS // len(game.background), 2 * players + 1)
    told = shap.PermutationExplainer(predict, game.background, seed=row)
    answer = told(game.rows[[row]], max_evals=evaluations, silent=True)
    return np.asarray(answer.values[0])


def kernel(**how: Any) -> Estimate:
    def values(game: BenchmarkGame, predict: Predict, row: int) -> Floats:
        np.random.seed(row)
        told = shap.KernelExplainer(predict, game.background)
        coalitions = ROWS // len(game.background) - 2
        answer = told.shap_values(game.rows[[row]], nsamples=coalitions, silent=True, **how)
        return np.asarray(answer[0])

    return values


PEERS: dict[str, Estimate] = {
    "Sampling": sampling,
    "Permutation": permutation,
    "Kernel l1 off": kernel(l1_reg=0),
    "Kernel": kernel(),
}
UNTUNED = "Kernel"


@contextmanager
def shapiq() -> Iterator[subprocess.Popen[str] | None]:
    """Its process, which ends with the block."""
    python = os.environ.get("SHAPIQ_PYTHON")
    if python is None:
        yield None
        return
    argv = [python, str(Path(__file__).parent / "peers" / "shapiq_values.py")]
    with subprocess.Popen(argv, stdin=-1, stdout=-1, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def of_shapiq(process: subprocess.Popen[str], game: BenchmarkGame, row: int) -> dict[str, Floats]:
    assert process.stdin is not None
    assert process.stdout is not None
    base, players = game.predict(game.background).mean(), game.rows.shape[1]
    budget = ROWS // len(game.background) - 1
    told: Any = {"players": players, "budget": budget, "seed": row}
    while True:
        process.stdin.write(json.dumps(told) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        if "found" in answer:
            return {f"shapiq {name}": np.array(one) for name, one in answer["found"].items()}
        masks = np.array(answer["ask"], bool)
        mixed = np.where(masks[:, None, :], game.rows[row], game.background)
        worth = game.predict(mixed.reshape(-1, players)).reshape(len(masks), -1).mean(axis=1)
        told = (worth - base).tolist()


def error(found: Floats, truth: Floats) -> float:
    return float(np.sum((found - truth) ** 2) / np.sum(truth**2))


def errors_of_peers(game: BenchmarkGame, process: subprocess.Popen[str] | None) -> dict[str, float]:
    """Medians over the rows; of those that ask far more than the others, none."""
    found: dict[str, list[float]] = {}
    for row, truth in enumerate(game.truths):
        for name, peer in PEERS.items():
            counting = Counting(game.predict)
            told = error(peer(game, counting, row), truth)
            if counting.rows <= ROWS * 1.02:
                found.setdefault(name, []).append(told)
        theirs = of_shapiq(process, game, row) if process else {}
        for name, values_ in theirs.items():
            found.setdefault(name, []).append(error(values_, truth))
    return {name: statistics.median(one) for name, one in found.items()}


def ours(game: BenchmarkGame) -> tuple[float, float, float, int]:
    """Median error, coverage of the intervals, their median half width relative to the largest
    contribution, rows."""
    told, inside, width, counted = [], [], [], []
    for row, truth in enumerate(game.truths):
        for seed in range(SEEDS):
            counting = Counting(game.predict)
            found, half = values(explanation(game, counting, row, budget=ROWS, seed=seed))
            told.append(error(found, truth))
            live = np.abs(truth) > 1e-9
            inside.append((np.abs(found - truth) <= half)[live].mean())
            width.append(float(half.max() / np.abs(truth).max()))
            counted.append(counting.rows)
    return (
        statistics.median(told),
        float(np.mean(inside)),
        statistics.median(width),
        max(counted),
    )


def stopping(game: BenchmarkGame) -> list[float]:
    """Rows asked until within a tolerance, by row and seed, in parts of an oracle's."""
    asked = []
    for row in range(EXPLAINED):
        tolerance = oracle(game, row)
        for seed in range(STOPPED):
            counting = Counting(game.predict)
            explanation(game, counting, row, budget=4 * ROWS, tolerance=tolerance, seed=seed)
            asked.append(counting.rows / ROWS)
    return asked


def oracle(game: BenchmarkGame, row: int) -> float:
    """The tolerance at which one who knows the truth stops after `ROWS` rows: 1.96 times the root
    mean square error of the feature with the largest, over many seeds, smoothed over budgets."""
    return 1.96 * statistics.geometric_mean(_rms(game, row, int(ROWS * part)) for part in AROUND)


def _rms(game: BenchmarkGame, row: int, budget: int) -> float:
    seeds = range(1000, 1000 + REPEATS)
    found = [values(explanation(game, game.predict, row, budget=budget, seed=one)) for one in seeds]
    errors = np.array([told for told, _ in found]) - game.truths[row]
    return float(np.sqrt((errors**2).mean(axis=0)).max())


def main() -> None:
    ratios, covered, stops = [], [], []
    print(f"{'game, ' + str(ROWS) + ' rows':24} {'ours':>8} {'best peer':>30} {'ratio':>6}"
          f" {'Kernel':>8} {'covered':>8} {'width':>6} {'stop':>5}")  # fmt: skip
    with shapiq() as process:
        for game in games(EXPLAINED):
            peers = errors_of_peers(game, process)
            best = min((name for name in peers if name != UNTUNED), key=lambda one: peers[one])
            told, coverage, width, _ = ours(game)
            stop = statistics.median(stopping(game))
            ratios.append(peers[best] / told)
            covered.append(coverage)
            stops.append(stop)
            print(f"{game.name:24} {told:8.1e} {best:>21} {peers[best]:8.1e} {ratios[-1]:6.1f}"
                  f" {peers[UNTUNED]:8.1e} {coverage:8.3f} {width:6.3f} {stop:5.2f}",
                  flush=True)  # fmt: skip
    print(f"median ratio {statistics.median(ratios):.1f}, smallest {min(ratios):.1f};"
          f" mean coverage {np.mean(covered):.3f};"
          f" rows to stop / oracle's: median {statistics.median(stops):.2f}")  # fmt: skip
    if process is None:
        print("without shapiq: SHAPIQ_PYTHON names no interpreter")


if __name__ == "__main__":
    main()
