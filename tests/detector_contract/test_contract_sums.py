"""Whatever a kind adds up is the same under any cut and order, and survives being stored."""

from __future__ import annotations

import operator
import subprocess
import sys
from functools import reduce
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidelight_detectors.fitted import Fitted
from sidelight_detectors.parts import KINDS
from sidelight_detectors.summary import Summary
from tests.detector_contract import auditing
from tests.detector_contract.cases import CASES, Case, fitted_for, rows_of

ROWS = 240


def test_every_kind_is_held_to_the_contract() -> None:
    held = {part for name in CASES for part in fitted_for(name, rows=400).parts}

    assert set(KINDS) <= held


def test_a_kind_does_what_its_case_says(fitted: Fitted, case: Case) -> None:
    seen = fitted.observe(fitted.index(rows_of(ROWS, 1)))

    assert (case.kind in fitted.judges) == case.judges
    assert (case.kind in seen.scores) == case.scores
    assert (case.kind in fitted.folding) == case.folds


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(order=st.permutations(range(ROWS)), cuts=st.lists(st.integers(0, ROWS), max_size=6))
def test_parts_in_any_order_add_up_to_the_whole(
    fitted: Fitted, order: list[int], cuts: list[int]
) -> None:
    rows = fitted.index(rows_of(ROWS, 2))
    whole = fitted.summarise(rows)
    pieces = [rows.take(part) for part in np.split(np.array(order), sorted(cuts))]

    total = reduce(operator.add, map(fitted.summarise, pieces), fitted.nothing)

    assert total == whole
    assert total.to_bytes() == whole.to_bytes()


def test_batches_indexed_apart_add_up_to_the_whole(fitted: Fitted) -> None:
    table = rows_of(ROWS, 3)
    cuts = [slice(0, 1), slice(1, 40), slice(40, ROWS)]
    parts = [fitted.summarise(fitted.index(table.take(cut))) for cut in cuts]

    assert reduce(operator.add, parts) == fitted.summarise(fitted.index(table))


def test_what_was_added_can_be_taken_off_again(fitted: Fitted) -> None:
    first, second = (fitted.summarise(fitted.index(rows_of(ROWS, seed))) for seed in (4, 5))

    assert first + second - second == first


def test_a_summary_survives_its_bytes(fitted: Fitted) -> None:
    summary = fitted.summarise(fitted.index(rows_of(ROWS, 6)))

    assert Summary.from_bytes(summary.to_bytes()) == summary
    assert fitted.fits(summary)


def test_no_rows_sum_up_to_nothing(fitted: Fitted) -> None:
    none = fitted.index(rows_of(5, 7).take(slice(0)))

    assert fitted.summarise(none) == fitted.nothing


def test_a_saved_reference_observes_and_judges_as_before(
    fitted: Fitted, case: Case, tmp_path: Path
) -> None:
    fitted.save(tmp_path / "fitted.npz")
    loaded = Fitted.load(tmp_path / "fitted.npz")
    table = rows_of(ROWS, 8)
    before, after = (one.observe(one.index(table)) for one in (fitted, loaded))

    assert loaded.plan == fitted.plan
    assert after.summary == before.summary
    for name, scores in before.scores.items():
        assert np.array_equal(after.scores[name].scores, scores.scores)
        assert np.array_equal(after.scores[name].flagged, scores.flagged)
    if case.judges:
        judged = [one.judge_by(case.kind, before.summary, 1) for one in (fitted, loaded)]
        assert repr(judged[0]) == repr(judged[1])


def test_the_same_rows_give_the_same_plan_and_other_rows_another(name: str) -> None:
    assert fitted_for(name).plan == fitted_for(name).plan
    assert fitted_for(name).plan != fitted_for(name, seed=1).plan


def test_another_process_fits_the_same_plan_and_nothing_touches_the_world(
    fitted: Fitted, name: str
) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", auditing.__name__, name],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == fitted.plan


@pytest.mark.parametrize("lone", [0, 17])
def test_the_score_of_a_row_is_its_own(fitted: Fitted, scoring: str, lone: int) -> None:
    rows = fitted.index(rows_of(ROWS, 9))
    together, alone = (
        fitted.score(rows, scoring),
        fitted.score(rows.take(np.array([lone])), scoring),
    )

    assert together is not None
    assert alone is not None
    assert alone.scores[0] == pytest.approx(together.scores[lone], rel=1e-9)
    assert alone.p_values[0] == together.p_values[lone]
