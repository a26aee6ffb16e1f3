"""Sums of values: the same under any cut and order, small in a pane."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.detectors import MODEL, rows_of
from sidelight.tensors import Column, Columns
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.moments import UNIT, Moments
from tests.detectors.measuring import fitted_on

values = st.floats(allow_nan=True, allow_infinity=True, width=64)


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    rng = np.random.default_rng(0)
    return fitted_on(Columns.of(x=rng.normal(size=400), y=rng.lognormal(size=400)))


@given(st.lists(values, min_size=1, max_size=60), st.data())
@settings(max_examples=100, deadline=None)
def test_any_cut_and_any_order_give_the_same_sums(
    fitted: Fitted, numbers: list[float], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(numbers)))
    order = np.array(data.draw(st.permutations(range(len(numbers)))))
    rows = Columns.of(x=np.array(numbers), y=np.array(numbers)[::-1])
    indexed = fitted.index(rows)
    whole = fitted.summarise(indexed)
    halves = [
        fitted.summarise(indexed.take(order[part])) for part in (slice(cut), slice(cut, None))
    ]

    assert halves[0] + halves[1] == whole
    assert whole - halves[0] == halves[1]


def test_the_sums_are_those_of_the_clipped_values(fitted: Fitted) -> None:
    moments = fitted.parts["moments"]
    assert isinstance(moments, Moments)
    window = np.array([-1e9, -1.0, 0.5, np.nan, 4.0])
    sums = moments.add(np.stack([window, window])).reshape(6, 2)[:, 0] / UNIT
    scaled = (np.clip(window, moments.low[0], moments.high[0]) - moments.centre[0]) / moments.half[
        0
    ]
    scaled = scaled[~np.isnan(scaled)]

    assert sums[2:] == pytest.approx([(scaled**power).sum() for power in (1, 2, 3, 4)], abs=1e-6)
    below = moments.smallest[0] - moments.low[0]
    assert sums[0] * moments.half[0] == pytest.approx(below, abs=1e-5)


def test_a_null_and_an_output_nobody_saw_count_nowhere(fitted: Fitted) -> None:
    moments = fitted.parts["moments"]
    assert isinstance(moments, Moments)
    nulls = Column("x", np.array([5.0, 7.0]), np.zeros(2, bool))
    indexed = fitted.index(Columns((nulls, Column("y", np.array([np.nan, np.nan])))))

    assert not fitted.summarise(indexed).sums["moments"].any()


def test_they_survive_saving(fitted: Fitted, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("saved") / "reference.npz"
    fitted.save(path)
    loaded = Fitted.load(path)
    rows = Columns.of(x=np.arange(-3, 3, 0.1), y=np.arange(0, 6, 0.1))

    assert loaded.plan == fitted.plan
    summary = loaded.summarise(loaded.index(rows))
    assert loaded.judge(summary, 1) == fitted.judge(summary, 1)


def test_a_pane_of_thirty_columns_is_stored_in_five_kilobytes() -> None:
    rng = np.random.default_rng(0)
    known = fit(rows_of(rng, 20_000), MODEL)
    summary = known.summarise(known.index(rows_of(rng, 1000)))

    assert "moments" in summary.sums
    assert len(summary.to_bytes()) <= 5000
