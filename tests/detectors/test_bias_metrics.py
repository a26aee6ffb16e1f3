"""Each metric is what fairlearn, AIF360 or its definition gives; intervals cover as they say."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize_scalar
from scipy.stats import binom

from sidelight.config.settings import ModelSettings
from sidelight.errors import NotEnoughData
from sidelight.tensors import Columns
from sidelight_detectors.bias import intervals, power
from sidelight_detectors.bias.detector import BiasDetector
from sidelight_detectors.bias.finding import BiasFinding, GapFinding
from sidelight_detectors.bias.metrics import SCALE, uncalibrated
from sidelight_detectors.bias.trail import Decided, fixed
from sidelight_detectors.fitted import Fitted, fit

Z = 1.959963984540054
MODEL: dict[str, Any] = {
    "features": {"age": "numeric"},
    "outputs": {"approved": "categorical", "probability": "numeric"},
    "outcome": {
        "prediction": "approved",
        "probability": "probability",
        "positive": "yes",
        "label": "repaid",
    },
    "detectors": {"bias": {"protected": {"sex": {"privileged": "male"}}}},
}


def applicants(count: int, seed: int) -> Columns:
    rng = np.random.default_rng(seed)
    sex = np.where(rng.random(count) < 0.4, "female", "male").astype(object)
    probability = rng.beta(2, 2 + (sex == "female"), count)
    repaid = np.where(rng.random(count) < probability, "yes", "no").astype(object)
    approved = np.where(probability + rng.normal(0, 0.1, count) > 0.5, "yes", "no").astype(object)
    age = rng.integers(18, 80, count).astype(float)
    return Columns.of(age=age, sex=sex, approved=approved, probability=probability, repaid=repaid)


def fitted_for(**changes: Any) -> Fitted:
    return fit(applicants(3000, 1), ModelSettings.model_validate({**MODEL, **changes}))


def told(fitted: Fitted, rows: Columns) -> tuple[BiasFinding, BiasFinding]:
    """What is said of decisions, and of labels."""
    part = fitted.parts["bias"]
    assert isinstance(part, BiasDetector)
    indexed = fitted.index(rows)
    numbers = part.outcome.numbers(rows[part.outcome.settings.label or ""])
    trail = part.decided(indexed).packed()
    settled = part.settle(part.awaited(trail) + part.labelled(trail, numbers), True)
    return part.judge(fitted.summarise(indexed), 1), settled


@cache
def gaps() -> dict[str, GapFinding]:
    decided, settled = told(fitted_for(), applicants(5000, 2))
    return {gap.metric: gap for gap in (*decided.gaps, *settled.gaps)}


@cache
def oracle() -> dict[str, float]:
    """As fairlearn and AIF360 compute them."""
    rows = applicants(5000, 2)
    answers, truth = ((rows[name].values == "yes").astype(int) for name in ("approved", "repaid"))
    female = rows["sex"].values == "female"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pandas as pd
        from aif360.datasets import BinaryLabelDataset
        from aif360.metrics import ClassificationMetric
        from fairlearn import metrics

        def dataset(labels: Any) -> Any:
            frame = pd.DataFrame({"male": (~female).astype(float), "y": labels.astype(float)})
            return BinaryLabelDataset(
                df=frame, label_names=["y"], protected_attribute_names=["male"]
            )

        aif = ClassificationMetric(
            dataset(truth),
            dataset(answers),
            unprivileged_groups=[{"male": 0.0}],
            privileged_groups=[{"male": 1.0}],
        )
        asked = {"y_true": truth, "y_pred": answers, "sensitive_features": female}
        return {
            "statistical_parity_difference": aif.statistical_parity_difference(),
            "disparate_impact_ratio": aif.disparate_impact(),
            "equal_opportunity_difference": aif.equal_opportunity_difference(),
            "false_positive_rate_difference": aif.false_positive_rate_difference(),
            "average_odds_difference": aif.average_odds_difference(),
            "false_omission_rate_difference": aif.false_omission_rate_difference(),
            "false_discovery_rate_difference": aif.false_discovery_rate_difference(),
            "predictive_parity_difference": -aif.false_discovery_rate_difference(),
            "equalised_odds_difference": metrics.equalized_odds_difference(**asked),
            "demographic parity": metrics.demographic_parity_difference(**asked),
        }


@pytest.mark.parametrize(
    "metric",
    [
        "statistical_parity_difference",
        "disparate_impact_ratio",
        "equal_opportunity_difference",
        "false_positive_rate_difference",
        "average_odds_difference",
        "false_omission_rate_difference",
        "false_discovery_rate_difference",
        "predictive_parity_difference",
        "equalised_odds_difference",
    ],
)
def test_a_metric_is_that_of_fairlearn_and_aif360(metric: str) -> None:
    assert gaps()[metric].value == pytest.approx(oracle()[metric], abs=1e-12)


def test_parity_is_fairlearns_up_to_its_sign() -> None:
    found = gaps()["statistical_parity_difference"].value

    assert abs(found) == pytest.approx(oracle()["demographic parity"], abs=1e-12)


def test_treatment_equality_is_the_difference_of_misses_for_each_false_alarm() -> None:
    rows = applicants(5000, 2)
    answers, truth = ((rows[name].values == "yes") for name in ("approved", "repaid"))
    of = {
        sex: np.sum(~answers & truth & (rows["sex"].values == sex))
        / np.sum(answers & ~truth & (rows["sex"].values == sex))
        for sex in ("female", "male")
    }

    found = gaps()["treatment_equality_difference"].value

    assert found == pytest.approx(of["female"] - of["male"], abs=1e-12)


def test_calibration_is_the_difference_of_mean_truth_less_mean_probability() -> None:
    rows = applicants(5000, 2)
    residual = (rows["repaid"].values == "yes") - rows["probability"].values
    female = rows["sex"].values == "female"
    own, other = residual[female], residual[~female]
    error = np.sqrt(own.var(ddof=1) / len(own) + other.var(ddof=1) / len(other))

    found = gaps()["calibration_difference"]

    assert found.value == pytest.approx(own.mean() - other.mean(), abs=1e-9)
    assert found.high - found.low == pytest.approx(2 * Z * error, rel=1e-2)


def test_calibration_error_is_that_of_ten_bins() -> None:
    rows = applicants(5000, 2)
    truth, probability = rows["repaid"].values == "yes", rows["probability"].values
    male = rows["sex"].values == "male"
    bins = (probability[male] * 10).astype(int)
    apart = [abs((truth[male] - probability[male])[bins == one].sum()) for one in range(10)]

    _, settled = told(fitted_for(), rows)
    found = next(group for group in settled.groups if group.group == "male")

    assert found.calibration_error == pytest.approx(sum(apart) / male.sum(), abs=1e-8)


def test_differences_have_newcombes_published_interval() -> None:
    """His example: 56/70 and 48/80, method 10 (Statistics in Medicine 17, 1998, table II)."""
    found = intervals.difference(56, 70, 48, 80, Z)

    assert (float(found.low), float(found.high)) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_ratios_have_koopmans_published_interval() -> None:
    """His example: 36/40 and 16/80 (Biometrics 40, 1984)."""
    found = intervals.ratio(36, 40, 16, 80, Z)

    assert (float(found.low), float(found.high)) == pytest.approx((2.94, 7.15), abs=0.01)


@pytest.mark.parametrize(("rows", "other"), [(30, 30), (30, 200), (100, 60)])
@pytest.mark.parametrize("form", ["difference", "ratio"])
def test_intervals_cover_as_often_as_they_say(form: str, rows: int, other: int) -> None:
    """Exactly: summed over all counts there can be."""
    k, j = np.arange(rows + 1)[:, None], np.arange(other + 1)[None, :]
    found = getattr(intervals, form)(k, rows, j, other, Z)
    covered = []
    for p in (0.05, 0.2, 0.5, 0.8, 0.95):
        for q in (0.05, 0.2, 0.5, 0.8, 0.95):
            truth = p - q if form == "difference" else p / q
            inside = (found.low <= truth) & (truth <= found.high)
            chance = binom.pmf(k[:, 0], rows, p) @ inside @ binom.pmf(j[0], other, q)
            covered.append(float(chance))

    assert 0.94 <= np.mean(covered) <= 0.97
    assert min(covered) >= 0.92


@pytest.mark.parametrize(("own", "other"), [(0.02, 0.98), (0.99, 0.01), (0.02, 0.02)])
@pytest.mark.parametrize("rows", [30, 100])
def test_differences_are_covered_where_shares_are_extreme(
    rows: int, own: float, other: float
) -> None:
    """Exactly; with Wilson's own ends 90.2 % at 2 and 98 % with 30 a group."""
    counts = np.arange(rows + 1)
    found = intervals.difference(counts[:, None], rows, counts[None, :], rows, Z)
    inside = (found.low <= own - other + 1e-12) & (own - other - 1e-12 <= found.high)

    covered = binom.pmf(counts, rows, own) @ inside @ binom.pmf(counts, rows, other)

    assert covered >= 0.92


@pytest.mark.parametrize(("rows", "other"), [(30, 30), (30, 300), (3, 5), (4000, 30)])
@pytest.mark.parametrize("z", [1.0, Z, 3.5])
def test_at_the_ends_of_a_ratio_chi_squared_of_the_likeliest_shares_is_z_squared(
    rows: int, other: int, z: float
) -> None:
    places = [(0.0, 0.4), (0.1, 0.9), (0.5, 0.5), (0.97, 0.2), (1.0, 0.3), (1.0, 1.0), (0.4, 1.0)]
    for counts in ((round(rows * one), round(other * two)) for one, two in places):
        found = intervals.ratio(counts[0], rows, counts[1], other, z)
        for end in (float(found.low), float(found.high)):
            if 0 < end < np.inf:
                expected = chi_squared(end, *counts, rows, other)
                assert z**2 == pytest.approx(expected, rel=1e-4), (counts, end)


def chi_squared(ratio: float, count: int, other_count: int, rows: int, other: int) -> float:
    """Pearson's, of the likeliest shares p = ratio q, by a search."""

    def unlikely(q: float) -> float:
        p = ratio * q
        return -float(binom.logpmf(count, rows, p) + binom.logpmf(other_count, other, q))

    most = min(1.0, 1 / ratio)
    found = minimize_scalar(unlikely, bounds=(0, most), method="bounded", options={"xatol": 1e-12})
    q = min((found.x, most), key=unlikely)
    told = ((count, rows, ratio * q), (other_count, other, q))
    return sum(float((k - n * p) ** 2 / (n * p * (1 - p))) for k, n, p in told if 0 < p < 1 - 1e-9)


def test_the_power_of_shares_is_where_a_gap_is_as_far_as_it_must_be() -> None:
    rows, other, against = np.array([40.0, 900.0]), np.array([0.5, 0.02]), np.array([70.0, 5000.0])
    needed = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)

    gap = power.gap_of_shares(rows, other, against, 0.1, Z, 0.8)
    ratio = power.ratio_of_shares(rows, np.array([0.5, 0.5]), against, 0.8, Z, 0.8)

    spread = (other + gap) * (1 - other - gap) / rows + other * (1 - other) / against
    assert gap - 0.1 == pytest.approx(needed * np.sqrt(spread), rel=1e-9)
    spread = ratio / 2 * (1 - ratio / 2) / rows + 0.8**2 / 4 / against
    assert (0.8 - ratio) / 2 == pytest.approx(needed * np.sqrt(spread), rel=1e-9)


def test_no_power_is_told_where_no_gap_could_be_seen() -> None:
    few, half = np.array([3.0]), np.array([0.5])

    assert np.isnan(power.gap_of_shares(few, half, few, 0.1, Z, 0.8))
    assert np.isnan(power.ratio_of_shares(few, half, few, 0.8, Z, 0.8))


def test_means_have_students_interval() -> None:
    values = np.random.default_rng(3).random(40)
    found = intervals.mean(40, values.sum(), (values**2).sum(), Z)
    expected = stats.t.interval(0.95, 39, values.mean(), stats.sem(values))

    assert (float(found.low), float(found.high)) == pytest.approx(expected, rel=1e-9)


def test_a_few_rows_without_a_rare_event_do_not_prove_calibration() -> None:
    """Thirty people at 2 %, nobody of whom it happened to: more often than not by chance."""
    rate = uncalibrated(0)
    place = np.full(30, (1 - 0.02) / 2)
    found = intervals.mean(30, place.sum(), (place**2).sum(), Z, rate.doubt).times(rate.width)

    assert found.high - found.low > 0.08


def test_squares_are_never_summed_up_to_less_than_they_are() -> None:
    part = fitted_for().parts["bias"]
    assert isinstance(part, BiasDetector)
    chance = np.random.default_rng(4).random(1000)
    rows = Decided(np.zeros((1000, 1), np.uint8), np.ones(1000, np.uint8), fixed(chance))

    sums = part.layout.labelled(part.groups, rows, np.zeros(1000, np.int64))

    _, total, squares = part.labels.columns(sums)[0, part.layout.residual :][:3].tolist()
    units = (SCALE - fixed(chance)) // 2
    assert total == int(units.sum())
    assert squares * SCALE >= sum(int(one) ** 2 for one in units)


def test_four_fifths_is_breached_only_when_the_whole_interval_is() -> None:
    """Twelve of twenty against nineteen of twenty-five: a ratio of 0.79 that chance explains."""
    fitted = fitted_for()
    few = _decided(female=(36, 60), male=(57, 75))
    many = _decided(female=(3600, 6000), male=(5700, 7500))

    verdicts = [_gap(fitted, rows, "disparate_impact_ratio").verdict for rows in (few, many)]

    assert _gap(fitted, few, "disparate_impact_ratio").value == pytest.approx(0.789, abs=1e-3)
    assert verdicts == ["not enough data", "not enough data"]
    worse = _decided(female=(3300, 6000), male=(5700, 7500))
    assert _gap(fitted, worse, "disparate_impact_ratio").verdict == "unfair"


def test_small_groups_get_no_verdict_however_far_apart() -> None:
    with pytest.raises(NotEnoughData, match="no two groups have 30 rows"):
        _gap(fitted_for(), _decided(female=(0, 29), male=(900, 1000)))


def test_a_gap_is_seen_as_often_as_its_power_says() -> None:
    """Exactly, at the gap that is told: chance that Newcombe's interval is beyond 0.1."""
    found = _gap(fitted_for(), _decided(female=(150, 300), male=(200, 400)))
    k, j = np.arange(301)[:, None], np.arange(401)[None, :]
    between = intervals.difference(k, 300, j, 400, Z)
    unfair = (between.low > 0.1) | (between.high < -0.1)

    for gap, wanted in ((found.seen_80, 0.8), (found.seen_90, 0.9)):
        chance = binom.pmf(k[:, 0], 300, 0.5 + gap) @ unfair @ binom.pmf(j[0], 400, 0.5)
        assert chance == pytest.approx(wanted, abs=0.03)


def _decided(**groups: tuple[int, int]) -> Columns:
    """Rows by sex: how many of how many were approved."""
    sex, approved = [], []
    for name, (yes, all_) in groups.items():
        sex += [name] * all_
        approved += ["yes"] * yes + ["no"] * (all_ - yes)
    count = len(sex)
    return Columns.of(
        age=np.zeros(count), sex=sex, approved=approved, probability=np.full(count, 0.5)
    )


def _gap(
    fitted: Fitted, rows: Columns, metric: str = "statistical_parity_difference"
) -> GapFinding:
    part = fitted.parts["bias"]
    assert isinstance(part, BiasDetector)
    found = part.judge(fitted.summarise(fitted.index(rows)), 1)
    return next(gap for gap in found.gaps if gap.metric == metric)
