"""Measures beside the test: scipy's numbers, zero on average without a change, honest bounds."""

from __future__ import annotations

import math

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon
from scipy.stats import binomtest, norm, wasserstein_distance

from sidelight.tensors import Column, Columns
from sidelight_detectors.contract import ColumnFinding, Measure
from tests.detectors.measuring import Draw, fitted_on, judged, measures_of, one, repeated

DECILES = norm.ppf(np.arange(1, 10) / 10)
CODES = np.array([f"k{number:02}" for number in range(12)], object)
SHARES = 0.6 ** np.arange(12) / (0.6 ** np.arange(12)).sum()


def normal(shift: float = 0.0, scale: float = 1.0) -> Draw:
    return lambda rng, count: rng.normal(shift, scale, count)


def codes(shares: NDArray[np.float64] = SHARES) -> Draw:
    return lambda rng, count: rng.choice(CODES, count, p=shares)


def moved(distance: float) -> NDArray[np.float64]:
    """The first share larger by `distance`, all others smaller in proportion."""
    first = SHARES[0] + distance
    return np.append(first, SHARES[1:] * (1 - first) / (1 - SHARES[0]))


def divergence(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
    """scipy's distance squared; of equal shares it may take the root of -1e-17."""
    with np.errstate(invalid="ignore"):
        return float(np.nan_to_num(jensenshannon(ours, theirs, base=2)) ** 2)


def psi(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
    return float(((ours - theirs) * np.log(ours / theirs)).sum())


def binned(shift: float, scale: float) -> NDArray[np.float64]:
    """Shares of a normal law between the standard normal's deciles."""
    inner = norm.cdf((DECILES - shift) / scale)
    return np.diff(np.concatenate([[0], inner, [1]]))


counts = st.lists(st.integers(5, 400), min_size=4, max_size=4)


def spelled(numbers: list[int]) -> NDArray[np.object_]:
    return np.repeat(CODES[: len(numbers)], numbers).astype(object)


@given(counts)
@settings(max_examples=40, deadline=None)
def test_divergences_of_categories_are_scipys_and_the_closed_form(window: list[int]) -> None:
    reference = [4000, 3000, 2000, 1000]
    found = measures_of(one(spelled(reference), spelled(window)))
    ours, theirs = np.array(window) / sum(window), np.array(reference) / 10_000
    pooled = (np.array(window) + np.array(reference)) / (sum(window) + 10_000)
    smooth = (np.array(window) + pooled) / (sum(window) + 1)

    expected = divergence(ours, theirs)
    assert found["jensen-shannon"].value == pytest.approx(expected, abs=1e-12)
    assert found["total-variation"].value == pytest.approx(np.abs(ours - theirs).sum() / 2)
    assert found["psi"].value == pytest.approx(
        psi(smooth, (np.array(reference) + pooled) / 10_001), abs=1e-12
    )


@given(
    st.lists(st.integers(-40, 40), min_size=20, max_size=200),
    st.lists(st.integers(-60, 60), min_size=20, max_size=100),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_numbers_have_scipys_moments_and_wasserstein_distance(
    reference: list[int], window: list[int], exact: bool
) -> None:
    known, seen = np.array(reference, float), np.array(window, float)
    fitted = fitted_on(Columns.of(x=known), exact=exact, cells=17)
    moments = fitted.parts["moments"]
    (finding,) = judged(fitted, Columns.of(x=seen))
    found = measures_of(finding)
    clipped = np.clip(seen, moments.low, moments.high)  # type: ignore[attr-defined]
    known = np.clip(known, moments.low, moments.high)  # type: ignore[attr-defined]
    unit = known.std() or 1.0

    area = found["wasserstein"]
    assert found["mean"].value == pytest.approx((clipped.mean() - known.mean()) / unit, abs=1e-5)
    assert abs(area.value - wasserstein_distance(clipped, known) / unit) <= area.error + 1e-5
    if known.std() > 0:
        assert found["std"].value == pytest.approx(clipped.std() / unit - 1, abs=1e-3)
    if exact and set(window) <= set(reference):
        assert area.error == 0


def test_values_far_beyond_the_reference_are_clipped_not_lost() -> None:
    found = measures_of(one(np.linspace(0, 1, 500), np.r_[np.linspace(0, 1, 190), [1e300] * 10]))

    assert found["new"].value == pytest.approx(0.05)
    assert 0.1 < found["mean"].value < 0.3
    assert found["wasserstein"].value == pytest.approx(found["mean"].value, abs=0.03)


NULLS: dict[str, Draw] = {
    "normal": normal(),
    "lognormal": lambda rng, count: rng.lognormal(0, 1, count),
    "poisson": lambda rng, count: rng.poisson(3.0, count).astype(float),
    "codes": codes(),
}


def of(found: list[ColumnFinding], name: str) -> list[Measure]:
    return [measures_of(finding)[name] for finding in found]


@pytest.mark.parametrize("rows", [100, 1000])
@pytest.mark.parametrize("law", NULLS)
def test_every_effect_is_zero_on_average_without_a_change(law: str, rows: int) -> None:
    found = repeated(NULLS[law], NULLS[law], rows, 3000, repeats=200, seed=rows)
    for name in measures_of(found[0]):
        effects = np.array([measure.effect for measure in of(found, name)])
        error = effects.std() / np.sqrt(len(effects))
        values = np.mean([abs(measure.value) for measure in of(found, name)])
        assert abs(effects.mean()) <= 4 * error + 0.05 * values, name


def assert_covered(found: list[ColumnFinding], truths: dict[str, float], least: float) -> None:
    """At least that share of bounds holds, within a 99.9 % interval."""
    for name, truth in truths.items():
        bounds = [(measure.low - 1e-9, measure.high + 1e-9) for measure in of(found, name)]
        held = sum(low <= truth <= high for low, high in bounds)
        interval = binomtest(held, len(found)).proportion_ci(0.999, method="exact")
        assert interval.high >= least, (name, held / len(found))


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (0.3, 1.0), (1.0, 1.0), (0.0, 1.5)])
@pytest.mark.parametrize("rows", [100, 600])
def test_bounds_of_numbers_hold_the_truth(shift: float, scale: float, rows: int) -> None:
    found = repeated(normal(), normal(shift, scale), rows, 3000, repeats=200, seed=7)
    ours, theirs = binned(shift, scale), np.full(10, 0.1)
    area = shift if scale == 1.0 else (scale - 1) * math.sqrt(2 / math.pi)
    truths = {
        "psi": psi(ours, theirs),
        "jensen-shannon": divergence(ours, theirs),
        "total-variation": float(np.abs(ours - theirs).sum() / 2),
        "wasserstein": area,
        "mean": shift,
        "std": scale - 1,
    }
    assert_covered(found, truths, 0.95)


@pytest.mark.parametrize("distance", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("rows", [100, 600])
def test_bounds_of_categories_hold_the_truth(distance: float, rows: int) -> None:
    shares = moved(distance)
    found = repeated(codes(), codes(shares), rows, 3000, repeats=200, seed=8)
    truths = {
        "psi": psi(shares, SHARES),
        "jensen-shannon": divergence(shares, SHARES),
        "total-variation": float(np.abs(shares - SHARES).sum() / 2),
        "missing": 0.0,
    }
    assert_covered(found, truths, 0.95)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3])
def test_the_share_of_nulls_is_measured_with_bounds(share: float) -> None:
    rng, names = np.random.default_rng(4), [f"c{number}" for number in range(200)]

    def holed(count: int, part: float) -> Columns:
        return Columns(
            tuple(Column(name, rng.normal(size=count), rng.random(count) >= part) for name in names)
        )

    found = [*judged(fitted_on(holed(2000, 0.02)), holed(300, share))]
    assert_covered(found, {"missing": share - 0.02}, 0.95)
    assert np.mean([one.value for one in of(found, "missing")]) == pytest.approx(share, abs=0.01)


def test_nan_counts_as_missing_and_moves_no_mean() -> None:
    values = np.random.default_rng(5).normal(size=2000)
    holed = np.where(np.arange(2000) % 4 == 0, np.nan, values)
    found = measures_of(one(values, holed))

    assert found["missing"].value == pytest.approx(0.25)
    assert found["mean"].value == pytest.approx(np.nanmean(holed) - values.mean(), abs=1e-2)


def test_new_categories_are_measured_less_those_that_chance_brings() -> None:
    rng = np.random.default_rng(6)
    known = np.append(rng.choice(CODES, 5000), [f"rare {number}" for number in range(50)])
    window = np.append(rng.choice(CODES, 900), ["never heard of"] * 100)
    found = measures_of(one(known.astype(object), window.astype(object)))["new"]

    assert found.value == pytest.approx(0.1)
    assert found.effect == pytest.approx(0.1 - 50 / 5050)
    assert 0.05 < found.low < found.effect < found.high < 0.13


@pytest.mark.parametrize("others", [[2.0], [0.0, 2.0], [math.nan]])
def test_a_constant_column_that_gets_other_values_is_found(others: list[float]) -> None:
    window = np.append(np.ones(980), np.resize(others, 20))
    finding = one(np.ones(20_000), window)
    found = measures_of(finding)

    assert finding.method == "chi2"
    assert finding.p_value < 1e-12
    assert found["constant"].value == pytest.approx(0.02)
    assert found["constant"].low > 0.005
    assert one(np.ones(20_000), np.ones(1000)).p_value == 1
    assert "std" not in found


def test_a_column_of_nulls_that_gets_numbers_is_found() -> None:
    empty = Column("x", np.full(5000, np.nan), np.zeros(5000, bool))
    mixed = Column("x", np.arange(500.0), np.arange(500) % 10 < 8)
    finding = one(empty, mixed)

    assert finding.p_value < 1e-100
    assert measures_of(finding)["missing"].value == pytest.approx(0.2)
    assert measures_of(finding)["constant"].value == pytest.approx(0.8)
    assert "mean" not in measures_of(finding)


def test_a_column_that_varies_in_the_reference_is_not_called_constant() -> None:
    assert "constant" not in measures_of(one(np.arange(100.0), np.arange(100.0)))


def test_booleans_are_categories() -> None:
    flags = np.arange(4000) % 4 == 0
    finding = one(flags, np.arange(1000) % 2 == 0)

    assert finding.method == "chi2"
    assert finding.distance == pytest.approx(0.25)
    assert measures_of(finding)["total-variation"].value == pytest.approx(0.25)


def test_only_the_measures_that_were_asked_for_are_told() -> None:
    values = np.random.default_rng(7).normal(size=500)

    assert one(values, values, measures=()).measures == ()
    assert [*measures_of(one(values, values, measures=("std", "psi")))] == ["std", "psi"]


def test_measures_go_over_the_wire_and_back() -> None:
    values = np.random.default_rng(8).normal(size=500)
    finding = one(values, values + 1)

    assert ColumnFinding.from_json(orjson.loads(orjson.dumps(finding))) == finding
    assert len(finding.measures) == 8
