"""Rows that hold what the reference never held are flagged, and what is wrong is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sidelight.config.settings import ModelSettings
from sidelight.tensors import Columns
from sidelight_detectors.contract import RowScores
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.violations import SchemaDetector


def rows_of(count: int, seed: int) -> Columns:
    rng = np.random.default_rng(seed)
    gaps = np.where(rng.random(count) < 0.1, np.nan, rng.normal(size=count))
    colour = rng.choice(np.array(["red", "green"], object), count)
    return Columns.of(
        x=rng.normal(size=count), gaps=gaps, age=rng.poisson(40, count), colour=colour
    )


def fitted_on(rows: Columns, **schema: Any) -> Fitted:
    detectors = {"schema": schema, "outlier": {"method": "ecod", "rate": 0.1}}
    return fit(rows, ModelSettings.model_validate({"detectors": detectors}))


def scored(fitted: Fitted, rows: Columns) -> RowScores:
    scores = fitted.score(fitted.index(rows), "schema")
    assert scores is not None
    return scores


STRANGE = Columns.of(
    x=[0.0, 99.0, np.inf, None, np.nan, 0.1],
    gaps=[0.0, np.nan, 0.0, 0.0, -99.0, 0.0],
    age=[40.0, 40.5, 40.0, 40.0, 40.0, 40.0],
    colour=["red", "green", "red", "blue", None, "green"],
)


def test_every_violation_is_named_with_its_column() -> None:
    scores = scored(fitted_on(rows_of(500, 0)), STRANGE)

    assert scores.reasons == {
        1: ("x: above", "age: fraction"),
        2: ("x: infinite",),
        3: ("x: null", "colour: unseen"),
        4: ("x: nan", "gaps: below", "colour: null"),
    }
    assert scores.flagged.tolist() == [False, True, True, True, True, False]
    assert scores.contributions.sum(axis=1).tolist() == scores.scores.tolist()


def test_violations_are_counted_by_column_and_kind() -> None:
    fitted = fitted_on(rows_of(500, 0))
    detector = fitted.parts["schema"]
    assert isinstance(detector, SchemaDetector)
    sums = detector.observe(fitted.index(STRANGE)).sums

    assert sums[0] == 4
    assert detector.counted(sums)["x", "above"] == 1
    assert detector.counted(sums)["colour", "unseen"] == 1
    assert sum(detector.counted(sums).values()) == 8


def test_no_row_of_the_reference_violates_its_schema() -> None:
    rows = rows_of(500, 0)

    assert not scored(fitted_on(rows), rows).flagged.any()


def test_tail_ranks_saturate_at_the_range_where_the_schema_sees_the_far_value() -> None:
    """Why it stands beside: to ECOD the largest value and a million times it are the same."""
    rows = rows_of(500, 0)
    fitted = fitted_on(rows)
    largest = float(rows["x"].values.max())
    plain = {"gaps": [0.0] * 2, "age": [40] * 2, "colour": ["red"] * 2}
    near, far = (
        Columns.of(x=[largest + 1, largest * 1e6], **plain),
        Columns.of(x=[largest, largest], **plain),
    )
    scores = fitted.score(fitted.index(near))
    assert scores is not None

    assert scores.scores[0] == scores.scores[1]
    assert scored(fitted, near).reasons == {0: ("x: above",), 1: ("x: above",)}
    assert not scored(fitted, far).flagged.any()


def test_a_margin_allows_what_lies_little_beyond_the_range() -> None:
    fitted = fitted_on(Columns.of(x=np.linspace(0, 10, 200) + 0.5), margin=0.1)
    found = scored(fitted, Columns.of(x=[-0.4, -0.6, 11.4, 11.6, np.inf]))

    assert found.flagged.tolist() == [False, True, False, True, True]


def test_the_expected_rate_is_that_of_rows_like_the_references() -> None:
    rates, expected = [], []
    for seed in range(60):
        fitted = fitted_on(rows_of(150, seed))
        detector = fitted.parts["schema"]
        assert isinstance(detector, SchemaDetector)
        expected.append(detector.expected_rate)
        rates.append(scored(fitted, rows_of(300, 1000 + seed)).flagged.mean())

    error = np.std(rates) / np.sqrt(60)
    assert np.mean(rates) == pytest.approx(np.mean(expected), abs=4 * error + 1 / 151)


def test_a_declared_range_stands_in_place_of_the_references() -> None:
    features = {
        "age": {"kind": "numeric", "min": 0, "max": 120},
        "x": {"kind": "numeric", "max": 1},
    }
    model = {"features": features, "detectors": {"schema": {"margin": 0.5}}}
    reference = Columns.of(age=np.arange(20, 60), x=np.r_[np.linspace(0, 1, 39), 3.0])
    fitted = fit(reference, ModelSettings.model_validate(model))
    sent = Columns.of(age=[0, -1, 120, 121, 30, 30], x=[0.5, 0.5, 1.0, 0.5, 2.0, np.inf])

    assert scored(fitted, sent).reasons == {
        1: ("age: below",),
        3: ("age: above",),
        4: ("x: above",),
        5: ("x: infinite",),
    }
    assert scored(fitted, reference).flagged.tolist() == [False] * 39 + [True]
    guarantee = fitted.flaggers["schema"].guarantee
    assert guarantee.rate == pytest.approx(3 / 41)  # that row, and the only one at x = 0


@pytest.mark.parametrize(
    ("feature", "told"),
    [
        ({"kind": "categorical", "min": 0}, "categorical columns have no range"),
        ({"kind": "numeric", "min": 2, "max": 1}, "'min' 2 is above 'max' 1"),
    ],
)
def test_a_range_that_cannot_be_is_refused(feature: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        ModelSettings.model_validate({"features": {"age": feature}})


def test_a_declared_range_is_kept_with_the_reference(tmp_path: Path) -> None:
    features = {"x": {"kind": "numeric", "min": -5}}
    model = {"features": features, "detectors": {"schema": {}}}
    fitted = fit(rows_of(100, 0), ModelSettings.model_validate(model))
    fitted.save(tmp_path / "fitted.npz")
    loaded = Fitted.load(tmp_path / "fitted.npz")

    assert scored(loaded, Columns.of(x=[-4.9, -5.1])).reasons == {1: ("x: below",)}
