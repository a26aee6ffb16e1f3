from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sidelight.config.settings import ModelSettings
from sidelight.tensors import Columns
from sidelight_detectors.contract import RowScores
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.outliers.detector import OutlierDetector
from sidelight_detectors.outliers.tabled import UNIT
from sidelight_detectors.split import held_out

CALIBRATION = 0.25

ECOD = {"outlier": {"method": "ecod", "rate": 0.1}}

SETTINGS: dict[str, Any] = {
    "detectors": {
        "drift": {"exact": True},
        "outlier": {"method": "ecod", "rate": 0.02, "calibration": CALIBRATION},
    }
}


def rows_of(count: int, seed: int) -> Columns:
    rng = np.random.default_rng(seed)
    return Columns.of(
        even=rng.normal(size=count),
        right=rng.exponential(size=count),
        left=-rng.exponential(size=count),
        tied=rng.poisson(3.0, size=count),
        colour=rng.choice(np.array(["red", "green", "blue"], object), count, p=[0.7, 0.28, 0.02]),
    )


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return fit(rows_of(1200, 0), ModelSettings.model_validate(SETTINGS))


def scored(fitted: Fitted, rows: Columns) -> RowScores:
    scores = fitted.score(fitted.index(rows))
    assert scores is not None
    return scores


def parts_of(fitted: Fitted, rows: Columns) -> NDArray[np.float64]:
    """The contributions of all rows, flagged or not."""
    detector = fitted.parts["outlier"]
    assert isinstance(detector, OutlierDetector)
    indexed = fitted.index(rows)
    return detector.scorer.contributions(indexed, detector.scorer.scores(indexed))


def dense_ecod(reference: NDArray[Any], rows: NDArray[Any]) -> NDArray[np.float64]:
    """Each row within the sample of the reference and itself: empirical left and right tails, the
    negative log of the smaller, summed over columns."""
    scores = []
    for row in rows:
        sample = np.vstack([reference, row])
        left = -np.log((sample <= row).mean(axis=0))
        right = -np.log((sample >= row).mean(axis=0))
        scores.append(np.maximum(left, right).sum())
    return np.array(scores)


def test_scores_are_tails_of_the_reference_with_the_row_itself() -> None:
    """On rows of the reference, new rows between them, and rows beyond them."""
    reference, rows = rows_of(1200, 0).take(slice(None)), rows_of(400, 1)
    names = ("even", "right", "left", "tied")
    numeric = {**SETTINGS, "features": dict.fromkeys(names, "numeric")}
    fitted = fit(reference, ModelSettings.model_validate(numeric))
    fitting = ~held_out(1200, CALIBRATION)
    dense = np.column_stack([reference[name].values for name in names])
    new = np.column_stack([rows[name].values for name in names])
    new[::10] *= 10

    expected = dense_ecod(dense[fitting], np.vstack([new, dense]))
    both = Columns.of(**dict(zip(names, np.vstack([new, dense]).T, strict=True)))

    np.testing.assert_allclose(scored(fitted, both).scores, expected, rtol=0, atol=1e-8)


def test_a_categorys_score_is_its_surprise(fitted: Fitted) -> None:
    reference = rows_of(1200, 0)
    colours = reference["colour"].values[~held_out(1200, CALIBRATION)]
    position = fitted.columns.index("colour")

    found = parts_of(fitted, reference)[:, position]

    for colour in ("red", "green", "blue"):
        share = ((colours == colour).sum() + 1) / (len(colours) + 1)
        expected = np.full((reference["colour"].values == colour).sum(), -np.log(share))
        np.testing.assert_allclose(found[reference["colour"].values == colour], expected, atol=1e-9)


def test_what_the_reference_never_held_is_strangest() -> None:
    settings = ModelSettings.model_validate(SETTINGS)
    reference = rows_of(1200, 0)
    fitted = fit(reference, settings)
    top = np.log(900 + 1)
    strange = Columns.of(
        even=[9e9, -np.inf, np.nan, None],
        right=[9e9] * 4,
        left=[9e9] * 4,
        tied=[99] * 4,
        colour=["purple", None, "red", "red"],
    )

    parts = parts_of(fitted, strange)

    np.testing.assert_allclose(parts[[0, 2, 3], 0], top, atol=1e-9)
    np.testing.assert_allclose(parts[:2, 4], top, atol=1e-9)


def test_a_common_null_is_not_strange() -> None:
    values = np.random.default_rng(0).normal(size=1000).tolist()
    values[::2] = [None] * 500
    settings = ModelSettings.model_validate({"detectors": ECOD})
    fitted = fit(Columns.of(x=values), settings)

    assert scored(fitted, Columns.of(x=[None, 0.0])).scores[0] < 0.8


@given(st.lists(st.integers(0, 200), max_size=6))
def test_scores_do_not_depend_on_the_batch(fitted: Fitted, cuts: list[int]) -> None:
    rows = fitted.index(rows_of(200, 3))
    whole = fitted.score(rows)
    assert whole is not None
    batches = map(rows.take, np.split(np.arange(200), sorted(cuts)))
    parts = [part for part in map(fitted.score, batches) if part is not None]

    assert np.array_equal(np.concatenate([part.scores for part in parts]), whole.scores)
    assert np.array_equal(np.concatenate([part.p_values for part in parts]), whole.p_values)


def test_contributions_add_up_to_the_score(fitted: Fitted) -> None:
    rows = rows_of(500, 4)
    scores, parts = scored(fitted, rows), parts_of(fitted, rows)

    assert parts.shape == (500, 5)
    assert np.array_equal(parts.sum(axis=1), scores.scores)
    assert np.array_equal(scores.scores * UNIT, np.rint(scores.scores * UNIT))
    assert np.array_equal(scores.contributions[scores.flagged], parts[scores.flagged])
    assert not scores.contributions[~scores.flagged].any()


def test_outputs_are_not_scored() -> None:
    rows = rows_of(600, 5)
    settings = {
        "outputs": {"even": "numeric"},
        "detectors": ECOD,
    }
    fitted = fit(rows, ModelSettings.model_validate(settings))

    assert fitted.columns[-1] == "even"
    assert not parts_of(fitted, rows)[:, -1].any()


def test_planted_outliers_are_found_and_blamed_on_their_column(fitted: Fitted) -> None:
    rows = rows_of(300, 6)
    right = rows["right"].values.copy()
    right[:5] = 40.0
    changed = {column.name: column.values for column in rows} | {"right": right}

    scores = scored(fitted, Columns.of(**changed))
    ordinary = scored(fitted, rows)

    assert (scores.scores[:5] > ordinary.scores[:5]).all()
    assert (parts_of(fitted, Columns.of(**changed))[:5].argmax(axis=1) == 1).all()


def test_values_of_any_size_have_a_score() -> None:
    huge = np.array([-1e308, 1e308, np.inf, *np.linspace(-1e300, 1e300, 200)])
    settings = ModelSettings.model_validate({"detectors": ECOD})
    fitted = fit(Columns.of(x=huge, flat=np.zeros(203)), settings)

    assert np.isfinite(scored(fitted, Columns.of(x=huge, flat=huge)).scores).all()
