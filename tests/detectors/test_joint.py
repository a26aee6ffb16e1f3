"""All columns together: what joint drift sees, and that it adds up."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import orjson
import pytest

from sidelight.config.settings import ModelSettings
from sidelight.errors import ConfigError, NotEnoughData
from sidelight.tensors import Column, Columns
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.joint.detector import JointDetector
from sidelight_detectors.joint.findings import JointFinding

NAMES = ("a", "b", "c", "d")


def model(**joint: object) -> ModelSettings:
    return ModelSettings.model_validate(
        {
            "reference": "rows.csv",
            "features": {**dict.fromkeys(NAMES, "numeric"), "kind": "categorical"},
            "outputs": {"score": "numeric"},
            "detectors": {"drift": {"window": 500}, "joint": joint},
        }
    )


def rows(n: int, seed: int, correlation: float = 0.0) -> Columns:
    """Four standard normals, `a` and `b` correlated; a category; the model's answer."""
    draw = np.random.default_rng(seed)
    numbers = draw.standard_normal((n, 4))
    numbers[:, 1] = correlation * numbers[:, 0] + np.sqrt(1 - correlation**2) * numbers[:, 1]
    kind = draw.choice(np.array(["x", "y", "z"], object), n, p=[0.6, 0.3, 0.1])
    score = numbers[:, 0] + draw.standard_normal(n)
    columns = [Column(name, numbers[:, place]) for place, name in enumerate(NAMES)]
    return Columns((*columns, Column("kind", kind), Column("score", score)))


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return fit(rows(4000, 0), model())


def judged(fitted: Fitted, window: Columns, number: int = 1) -> JointFinding:
    finding = fitted.judge_by("joint", fitted.summarise(fitted.index(window)), number)
    assert isinstance(finding, JointFinding)
    return finding


def test_a_window_like_the_reference_is_no_drift(fitted: Fitted) -> None:
    finding = judged(fitted, rows(500, 1))
    assert not finding.is_drift
    assert finding.p_value > 0.001
    assert finding.low <= finding.effect <= finding.high
    assert (finding.rows, finding.reference_rows) == (500, 4000)


def test_a_change_of_correlation_alone_is_found_where_no_column_has_changed(
    fitted: Fitted,
) -> None:
    window = rows(500, 2, correlation=0.7)
    finding = judged(fitted, window)
    assert not fitted.judge(fitted.summarise(fitted.index(window)), 1).is_drift
    assert finding.is_drift
    worst = finding.pairs[0]
    assert worst.columns == ("a", "b")
    assert worst.drifted
    assert worst.low < 0.7 < worst.high
    assert worst.window == pytest.approx(0.7, abs=0.1)


def test_mmd_finds_dependence_without_correlation() -> None:
    fitted = fit(rows(4000, 0), model(columns=["a", "b"]))
    window = rows(500, 3)
    sign = np.sign(np.random.default_rng(4).standard_normal(500))
    finding = judged(fitted, _with(window, Column("b", sign * np.abs(window["a"].values))))
    assert finding.changed
    assert not finding.pairs[0].drifted


def test_mmd_sees_categories_nulls_and_new_values(fitted: Fitted) -> None:
    window = rows(500, 5)
    other = Column("kind", np.array(["never"] * 250 + ["x"] * 250, object))
    nulls = Column("d", window["d"].values, np.arange(500) % 2 == 0)
    assert judged(fitted, _with(window, other)).changed
    assert judged(fitted, _with(window, nulls)).changed


def test_sums_do_not_depend_on_cut_or_order(fitted: Fitted) -> None:
    indexed = fitted.index(rows(2500, 6))
    order = np.random.default_rng(7).permutation(2500)
    whole = fitted.summarise(indexed)
    parts = [fitted.summarise(indexed.take(part)) for part in np.array_split(order, 13)]
    total = fitted.nothing
    for part in parts:
        total = total + part
    assert total.to_bytes() == whole.to_bytes()


def test_rows_without_an_answer_are_left_out_and_counted(fitted: Fitted) -> None:
    window = rows(500, 8)
    without = Columns(tuple(column for column in window if column.name != "score"))
    both = fitted.summarise(fitted.index(window)) + fitted.summarise(fitted.index(without))
    finding = fitted.judge_by("joint", both, 1)
    assert finding.rows == 500
    with pytest.raises(NotEnoughData, match="0 rows in which every column was observed"):
        judged(fitted, without)


def test_only_the_columns_named_take_part() -> None:
    fitted = fit(rows(1000, 0), model(columns=["c", "d"]))
    finding = judged(fitted, rows(500, 1, correlation=0.9))
    assert [pair.columns for pair in finding.pairs] == [("c", "d")]
    assert not finding.is_drift
    with pytest.raises(ConfigError, match="'e' is not watched; watched are a, b"):
        fit(rows(1000, 0), model(columns=["e"]))


def test_a_fitted_detector_reads_back_as_it_was(fitted: Fitted, tmp_path: Path) -> None:
    path = tmp_path / "reference.npz"
    fitted.save(path)
    again = Fitted.load(path)
    window = rows(500, 9)
    assert again.plan == fitted.plan
    assert judged(again, window) == judged(fitted, window)


def test_a_finding_survives_json(fitted: Fitted) -> None:
    finding = judged(fitted, rows(500, 1))
    assert JointFinding.from_json(orjson.loads(orjson.dumps(finding))) == finding
    assert asdict(finding)["pairs"]


def test_the_promise_is_the_detectors_own(fitted: Fitted) -> None:
    part = fitted.parts["joint"]
    assert isinstance(part, JointDetector)
    assert "at most 0.05" in part.promise


def test_later_windows_spend_less(fitted: Fitted) -> None:
    assert judged(fitted, rows(500, 1), 10).threshold < judged(fitted, rows(500, 1)).threshold / 99


def _with(rows: Columns, other: Column) -> Columns:
    return Columns(tuple(other if column.name == other.name else column for column in rows))
