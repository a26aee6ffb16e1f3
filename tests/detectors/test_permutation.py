"""The permutation test of MMD against its definition, and in the report of a file."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sidelight.config.settings import ModelSettings
from sidelight.tensors import Column, Columns
from sidelight_detectors.files.report import as_json, as_table
from sidelight_detectors.files.scoring import score_rows
from sidelight_detectors.fitted import fit
from sidelight_detectors.joint.permutation import median_width, permutation_mmd

DRAW = np.random.default_rng(0)


def test_the_statistic_is_the_unbiased_mmd() -> None:
    x, y = DRAW.standard_normal((37, 3)), DRAW.standard_normal((23, 3)) + 0.5
    found = permutation_mmd(x, y, 9, width=4.0)
    between = np.mean([np.exp(-((p - q) ** 2).sum() / 4) for p in x for q in y])
    assert found.statistic == pytest.approx(_within(x) + _within(y) - 2 * between, abs=1e-12)


def test_the_width_is_the_median_distance_of_pairs() -> None:
    rows = DRAW.standard_normal((40, 2))
    distances = [((p - q) ** 2).sum() for i, p in enumerate(rows) for q in rows[:i]]
    assert median_width(rows) == pytest.approx(np.sort(distances)[len(distances) // 2 - 1])


def test_p_values_are_uniform_when_nothing_has_changed() -> None:
    p_values = [
        permutation_mmd(x, y, permutations=19, seed=trial).p_value
        for trial, (x, y) in enumerate(DRAW.standard_normal((400, 2, 30, 2)))
    ]
    assert min(p_values) == 0.05
    below = np.mean(np.array(p_values) <= 0.25)
    assert 0.25 - 4 * np.sqrt(0.25 * 0.75 / 400) < below < 0.25 + 4 * np.sqrt(0.25 * 0.75 / 400)


def test_a_seed_gives_one_answer_and_equal_rows_are_no_drift() -> None:
    rows = DRAW.standard_normal((60, 2))
    assert permutation_mmd(rows, rows + 1, 50) == permutation_mmd(rows, rows + 1, 50)
    assert permutation_mmd(np.zeros((20, 2)), np.zeros((20, 2)), 50).p_value == 1.0


def test_samples_that_do_not_compare_are_refused() -> None:
    with pytest.raises(ValueError, match="do not compare"):
        permutation_mmd(np.zeros((5, 2)), np.zeros((1, 2)))


def test_a_file_is_compared_as_a_whole_where_it_is_asked_for() -> None:
    asked = {"joint": {"method": "permutation", "permutations": 99, "rows": 300}}
    model = ModelSettings.model_validate({"reference": "rows.csv", "detectors": asked})
    fitted = fit(_rows(1000, 0.0), model)
    report = score_rows("m", fitted, _rows(400, 0.8))
    assert report.permutation is not None
    assert (report.permutation.rows, report.permutation.reference_rows) == (300, 300)
    assert report.permutation.p_value == 0.01
    assert "p-value 0.01 by 99 permutations" in as_table(report)
    assert '"reference_rows": 300' in as_json(report)


def _rows(n: int, correlation: float) -> Columns:
    a, b = DRAW.standard_normal((2, n))
    kind = np.array(["x", "y"], object)[DRAW.integers(0, 2, n)]
    mixed = correlation * a + np.sqrt(1 - correlation**2) * b
    return Columns((Column("a", a), Column("b", mixed), Column("kind", kind)))


def _within(rows: NDArray[np.float64]) -> float:
    kernels = [np.exp(-((p - q) ** 2).sum() / 4) for i, p in enumerate(rows) for q in rows[:i]]
    return float(np.mean(kernels))
