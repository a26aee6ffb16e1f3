"""Performance estimated without labels, against labels and against its definition."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pytest
from scipy.optimize import isotonic_regression

from sidelight.config.settings import ModelSettings
from sidelight.demo.data import fetch
from sidelight.errors import ConfigError
from sidelight.tables import read_table
from sidelight.tensors import Column, Columns
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.performance.finding import PerformanceFinding


def model(**performance: object) -> ModelSettings:
    asked = {"probability": "p", "label": "y", **performance}
    names = asked["probability"]
    outputs = [names] if isinstance(names, str) else [*names.values()]  # type: ignore[attr-defined]
    return ModelSettings.model_validate(
        {
            "reference": "rows.csv",
            "features": {"x": "numeric"},
            "outputs": dict.fromkeys(outputs, "numeric"),
            "detectors": {"drift": {"exact": True}, "performance": asked},
        }
    )


def rows(n: int, seed: int, centre: float = 0.0) -> Columns:
    """A model that knows the truth up to a scale: P(y = 1) = sigmoid(2 x), it says sigmoid(x)."""
    draw = np.random.default_rng(seed)
    x = np.round(draw.normal(centre, 1.5, n), 1)
    y = (draw.random(n) < 1 / (1 + np.exp(-2 * x))).astype(np.int64)
    return Columns((Column("x", x), Column("p", 1 / (1 + np.exp(-x))), Column("y", y)))


def judged(fitted: Fitted, window: Columns, number: int = 1) -> PerformanceFinding:
    finding = fitted.judge_by("performance", fitted.summarise(fitted.index(window)), number)
    assert isinstance(finding, PerformanceFinding)
    return finding


def test_estimates_are_those_of_the_definition() -> None:
    reference, window = rows(3000, 0), rows(500, 1)
    points, places = np.unique(reference["p"].values, return_inverse=True)
    seen = np.bincount(places).astype(float)
    shares = np.bincount(places, reference["y"].values) / seen
    calibrated = isotonic_regression(shares, weights=seen).x
    window = window.take(np.isin(window["p"].values, points))
    p = calibrated[np.searchsorted(points, window["p"].values)]
    answered = window["p"].values >= 0.5
    tp, fp = p[answered].sum(), (1 - p[answered]).sum()
    fn, tn = p[~answered].sum(), (1 - p[~answered]).sum()
    order = window["p"].values[:, None]
    wins = (order > order.T) + 0.5 * (order == order.T)
    auc = (p[:, None] * (1 - p) * wins).sum() / (p.sum() * (1 - p).sum())
    finding = judged(fit(reference, model()), window)
    found = {one.metric: one.estimate for one in finding.metrics}
    expected = {
        "accuracy": (tp + tn) / len(p),
        "precision": tp / (tp + fp),
        "recall": tp / (tp + fn),
        "f1": 2 * tp / (2 * tp + fp + fn),
        "roc_auc": auc,
    }
    assert found == pytest.approx(expected, abs=1e-9)
    assert np.array(finding.confusion) == pytest.approx(np.array([[tn, fn], [fp, tp]]), abs=1e-6)


def test_a_loss_by_covariate_shift_is_seen_without_labels() -> None:
    fitted = fit(rows(5000, 0), model())
    assert not judged(fitted, rows(1000, 1)).is_drift
    harder = rows(1000, 2).take(np.abs(rows(1000, 2)["x"].values) < 0.8)
    finding = judged(fitted, harder)
    real = np.mean((harder["p"].values >= 0.5) == harder["y"].values)
    assert finding.is_drift
    assert finding.judged.low < real < finding.judged.high


def test_it_is_blind_to_concept_drift() -> None:
    fitted, window = fit(rows(5000, 0), model()), rows(1000, 1)
    flipped = Column("y", 1 - window["y"].values)
    turned = Columns((window["x"], window["p"], flipped))
    assert judged(fitted, turned) == judged(fitted, window)


def test_sums_do_not_depend_on_cut_or_order() -> None:
    fitted = fit(rows(2000, 0), model())
    indexed = fitted.index(rows(700, 1))
    order = np.random.default_rng(2).permutation(700)
    total = fitted.nothing
    for part in np.array_split(order, 9):
        total = total + fitted.summarise(indexed.take(part))
    assert total.to_bytes() == fitted.summarise(indexed).to_bytes()


def test_several_classes_have_their_expected_confusion() -> None:
    draw = np.random.default_rng(3)
    p = draw.dirichlet((1, 1, 1), 6000)
    y = np.array(["a", "b", "c"], object)[(draw.random((6000, 1)) > p.cumsum(axis=1)).sum(axis=1)]
    columns = [Column(f"p{name}", p[:, place]) for place, name in enumerate("abc")]
    table = Columns((Column("x", p[:, 0]), *columns, Column("y", y)))
    asked = model(probability={"a": "pa", "b": "pb", "c": "pc"})
    finding = judged(fit(table.take(slice(0, 4000)), asked), table.take(slice(4000, 6000)))
    real = np.mean(np.array(["a", "b", "c"], object)[p[4000:].argmax(axis=1)] == y[4000:])
    assert finding.classes == ("a", "b", "c")
    assert finding.judged.low < real < finding.judged.high
    assert np.sum(finding.confusion) == pytest.approx(2000, abs=1e-3)


def test_a_fitted_detector_and_its_findings_read_back(tmp_path: Path) -> None:
    fitted, window = fit(rows(2000, 0), model()), rows(500, 1)
    fitted.save(tmp_path / "reference.npz")
    finding = judged(Fitted.load(tmp_path / "reference.npz"), window)
    assert finding == judged(fitted, window)
    assert PerformanceFinding.from_json(orjson.loads(orjson.dumps(finding))) == finding


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ConfigError, match="no reference column 'truth'"):
        fit(rows(100, 0), model(label="truth"))
    with pytest.raises(ConfigError, match="no reference row has 'yes' in 'y'"):
        fit(rows(100, 0), model(positive="yes"))


def test_accuracy_of_later_years_lies_within_its_bounds() -> None:
    folder = fetch(Path("build/data"))
    reference, later = read_table(folder / "reference.pq"), read_table(folder / "analysis.pq")
    target = read_table(folder / "analysis_target.pq")["employed"].values
    asked = {"probability": "predicted_probability", "label": "employed"}
    settings = ModelSettings.model_validate(
        {
            "reference": "rows.pq",
            "features": {"AGEP": "numeric"},
            "outputs": {"predicted_probability": "numeric"},
            "detectors": {"performance": asked},
        }
    )
    fitted = fit(reference, settings)
    for year in np.unique(later["year"].values):
        chosen = later["year"].values == year
        window = later.take(chosen)
        finding = judged(fitted, window)
        answered = window["predicted_probability"].values >= 0.5
        real = np.mean(answered == target[chosen])
        assert finding.judged.low < real < finding.judged.high
