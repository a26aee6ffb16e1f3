"""The audit on real people: who is wrongly taken for employed, women or men."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from sidelight.config.settings import ModelSettings
from sidelight.demo.data import fetch, survey_2015
from sidelight.tensors import Columns, column_of
from sidelight_detectors.alarms.rule import Verdict
from sidelight_detectors.bias.detector import BiasDetector
from sidelight_detectors.contract import Sums
from sidelight_detectors.fitted import Fitted, fit

FOLDER = Path("build/data")
TRAIN, REFERENCE, WINDOW = 8000, 10_000, 1000
ASKED = ("AGEP", "SCHL", "MAR", "RELP", "DIS", "SEX")
WOMAN, MAN = "2", "1"


def model(tolerance: float) -> ModelSettings:
    metrics = ["statistical_parity_difference", "false_positive_rate_difference"]
    return ModelSettings.model_validate(
        {
            "features": {"SEX": "categorical"},
            "outputs": {"probability": "numeric"},
            "outcome": {"probability": "probability"},
            "detectors": {
                "bias": {
                    "protected": {"SEX": {"privileged": MAN}},
                    "metrics": metrics,
                    "tolerance": tolerance,
                },
                "labels": {},
            },
        }
    )


class Decided:
    """People that a classifier has not seen in training, and what it says of them."""

    def __init__(self) -> None:
        survey = survey_2015(fetch(FOLDER))
        order = np.random.RandomState(0).permutation(len(survey.employed))
        people = survey.take(order)
        columns = [people.people[name].values.astype(str) for name in ASKED]
        features = np.array(columns).astype(float).T
        classifier = HistGradientBoostingClassifier(max_iter=40, random_state=0)
        classifier.fit(features[:TRAIN], people.employed[:TRAIN])
        probability = classifier.predict_proba(features)[:, 1]
        self.sex = columns[ASKED.index("SEX")].astype(object)
        self.probability = probability
        self.employed = people.employed

    def rows(self, begin: int, count: int, sex: NDArray[np.object_] | None = None) -> Columns:
        chosen = slice(begin, begin + count)
        names = (self.sex if sex is None else sex)[chosen]
        answers = column_of("probability", self.probability[chosen])
        return Columns((column_of("SEX", names), answers))


@pytest.fixture(scope="module")
def decided() -> Decided:
    return Decided()


def final_windows(fitted: Fitted, people: Decided, sex: NDArray[np.object_]) -> list[Sums]:
    """What labels add up to in windows of people in their order."""
    part = fitted.parts["bias"]
    assert isinstance(part, BiasDetector)
    found = []
    for begin in range(TRAIN + REFERENCE, len(sex) - WINDOW, WINDOW):
        trail = part.observe(fitted.index(people.rows(begin, WINDOW, sex))).trail
        assert trail is not None
        came_true = people.employed[begin : begin + WINDOW].tolist()
        labels = np.array([part.outcome.number_of_label(one) for one in came_true])
        found.append(part.awaited(trail) + part.labelled(trail, labels))
    return found


def verdicts(fitted: Fitted, windows: list[Sums]) -> list[Verdict]:
    part = fitted.parts["bias"]
    assert isinstance(part, BiasDetector)
    rule = part.settled_rule()
    return [verdict for sums in windows if (verdict := rule.settled(sums)) is not None]


def test_women_who_do_not_work_are_wrongly_taken_for_employed_more_often(decided: Decided) -> None:
    fitted = fit(decided.rows(TRAIN, REFERENCE), model(0.02))
    found = verdicts(fitted, final_windows(fitted, decided, decided.sex))

    assert [one.change for one in found] == ["raised"]
    assert [one.column for one in found[0].suspects] == [
        f"false_positive_rate_difference of SEX: {WOMAN} beside {MAN}"
    ]


def test_sexes_drawn_by_lot_are_treated_alike(decided: Decided) -> None:
    fitted = fit(decided.rows(TRAIN, REFERENCE), model(0.0))
    for seed in range(5):
        sex = np.random.default_rng(seed).permutation(decided.sex)

        assert verdicts(fitted, final_windows(fitted, decided, sex)) == []
