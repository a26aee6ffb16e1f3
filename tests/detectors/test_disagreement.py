"""Rows that are answered unlike the reference rows beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.neural_network import MLPClassifier

from sidelight.config.settings import ModelSettings
from sidelight.errors import ConfigError, NotEnoughData
from sidelight.tensors import Columns
from sidelight_detectors.contract import RowScores
from sidelight_detectors.disagreement.detector import DisagreementDetector
from sidelight_detectors.disagreement.nearest import nearest_of
from sidelight_detectors.fitted import Fitted, fit
from tests.detectors.data import digits

RATE = 0.05


def people(count: int, seed: int) -> Columns:
    """Two groups apart from each other; the model answers by the group, and is rarely unsure."""
    rng = np.random.default_rng(seed)
    group = rng.integers(2, size=count)
    x, y = rng.normal(scale=0.5, size=(2, count)) + np.where(group, 2.0, -2.0)
    probability = 1 / (1 + np.exp(-2 * (x + y)))
    return Columns.of(
        x=x, y=y, probability=probability, label=(probability >= 0.5).astype(int), number=x + y
    )


def fitted_on(reference: Columns, outcome: Any, **settings: Any) -> Fitted:
    told = {"label": "categorical", "probability": "numeric", "number": "numeric"}
    model = {
        "features": {"x": "numeric", "y": "numeric"},
        "outputs": told,
        "outcome": outcome,
        "detectors": {"disagreement": {"rate": RATE, **settings}},
    }
    return fit(reference, ModelSettings.model_validate(model))


def scored(fitted: Fitted, rows: Columns) -> RowScores:
    found = fitted.score(fitted.index(rows), "disagreement")
    assert found is not None
    return found


def row(**changed: Any) -> Columns:
    """One of the second group, answered as the second group is."""
    usual = {"x": 2.0, "y": 2.0, "probability": 0.999, "label": 1, "number": 4.0}
    return Columns.of(**{name: [value] for name, value in {**usual, **changed}.items()})


def test_the_nearest_are_those_of_scipy_and_all_at_one_distance_count() -> None:
    rng = np.random.default_rng(0)
    among = rng.integers(-2, 3, size=(300, 4)).astype(float)  # Many stand at one place.
    answers = rng.random((300, 3))
    points = rng.integers(-2, 3, size=(700, 4)).astype(float)

    near = nearest_of(among, answers, 5).beside(points)

    distances = cdist(points, among)
    reach = np.sort(distances, axis=1)[:, 4]
    means = [answers[line <= far].mean(axis=0) for line, far in zip(distances, reach, strict=True)]
    assert near.distance == pytest.approx(reach, abs=1e-12)
    assert near.answers == pytest.approx(np.array(means), abs=1e-6)


@pytest.mark.parametrize(
    "outcome",
    [
        {"prediction": "label"},
        {"probability": "probability"},
        {"prediction": "number", "kind": "regression"},
    ],
)
def test_an_answer_that_no_neighbour_has_is_flagged_and_theirs_is_not(outcome: Any) -> None:
    fitted = fitted_on(people(2000, 0), outcome)

    own = scored(fitted, row())
    other = scored(fitted, row(label=0, probability=0.2, number=-3.0))

    assert not own.flagged[0]
    assert other.flagged[0]


def test_ordinary_rows_are_flagged_at_the_rate() -> None:
    shares = []
    for seed in range(20):
        fitted = fitted_on(people(800, seed), {"probability": "probability"})
        shares.append(scored(fitted, people(1000, 100 + seed)).flagged.mean())

    error = np.std(shares, ddof=1) / np.sqrt(len(shares))
    assert np.mean(shares) == pytest.approx(RATE, abs=4 * error)


def test_what_a_flagged_answer_adds_is_told_of_its_output_and_in_words() -> None:
    fitted = fitted_on(people(2000, 0), {"probability": "probability"})

    found = scored(fitted, row(probability=0.49))

    assert found.contributions.sum(axis=1) == pytest.approx(found.scores)
    assert fitted.columns[int(found.contributions[0].argmax())] == "probability"
    assert found.reasons[0] == ("unlike the nearest rows' answers by 1", "margin 0.01")


def test_a_row_without_an_answer_is_judged_by_its_place_alone() -> None:
    fitted = fitted_on(people(2000, 0), {"probability": "probability"})

    beside, far = (scored(fitted, row(x=x, probability=np.nan)) for x in (2.0, 40.0))

    assert beside.scores[0] < far.scores[0]
    assert not beside.flagged[0]


def test_margins_that_a_model_does_not_tell_are_no_evidence() -> None:
    fitted = fitted_on(people(2000, 0), {"prediction": "label"})

    part = fitted.parts["disagreement"]

    assert isinstance(part, DisagreementDetector)
    assert [*part.rarity] == ["answers", "tails"]


def test_evidence_that_the_reference_does_not_know_is_refused() -> None:
    with pytest.raises(NotEnoughData, match="the reference has no margin; name other evidence"):
        fitted_on(people(2000, 0), {"prediction": "label"}, evidence=["margin"])


def test_a_model_without_an_outcome_is_refused_with_the_way_out() -> None:
    with pytest.raises(ConfigError, match=r"outcome: \{prediction: label\}"):
        fitted_on(people(100, 0), None)


def test_an_output_that_is_not_watched_is_refused() -> None:
    with pytest.raises(ConfigError, match="'score' is not watched; declare it under 'outputs'"):
        fitted_on(people(100, 0), {"prediction": "label", "probability": "score"})


def test_pictures_across_a_models_border_are_told_from_ordinary_ones() -> None:
    """Between two digits, just where the model's answer becomes that of the other: the point from
    which attacks that see decisions only begin to walk."""
    images, labels = digits()
    flat = images.reshape(len(images), -1) / 255
    model = MLPClassifier((64,), max_iter=60, early_stopping=True, random_state=0)
    model.fit(flat[:2000], labels[:2000])
    names = {str(digit): f"p{digit}" for digit in range(10)}
    settings = {
        "features": {"x": "image"},
        "outputs": dict.fromkeys(names.values(), "numeric"),
        "outcome": {"probability": names},
        "detectors": {"disagreement": {"rate": RATE}},
    }

    def answered(pictures: NDArray[np.float64]) -> Columns:
        told = dict(zip(names.values(), model.predict_proba(pictures).T, strict=True))
        pixels = (255 * pictures).round().astype(np.uint8).reshape(-1, 28, 28)
        return Columns.of(x=pixels, **told)

    fitted = fit(answered(flat[2000:4400]), ModelSettings.model_validate(settings))
    ordinary = flat[4400:]
    crossed = across(model, ordinary[:100], ordinary[100:200])

    quiet, found = scored(fitted, answered(ordinary)), scored(fitted, answered(crossed))

    assert quiet.flagged.mean() < 2 * RATE
    assert found.flagged.mean() > 0.5


def across(
    model: MLPClassifier, start: NDArray[np.float64], towards: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Of each pair that is answered differently, the first point with another answer."""
    own = model.predict(start)
    pairs = own != model.predict(towards)
    start, towards, own = start[pairs], towards[pairs], own[pairs]
    low, high = np.zeros(len(own)), np.ones(len(own))
    for _ in range(12):
        middle = (low + high) / 2
        is_own = model.predict(start + middle[:, None] * (towards - start)) == own
        low, high = np.where(is_own, middle, low), np.where(is_own, high, middle)
    return np.asarray(start + high[:, None] * (towards - start))
