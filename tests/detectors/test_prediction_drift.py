"""Predictions and probabilities are columns like any other: real people, a real classifier."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from sidelight.config.settings import ModelSettings
from sidelight.demo.data import Survey, fetch, survey_2015
from sidelight.tensors import Columns, column_of
from sidelight_detectors.contract import ColumnFinding
from sidelight_detectors.fitted import Fitted, fit
from tests.detectors.measuring import measures_of

FOLDER = Path("build/data")
MODEL = ModelSettings.model_validate(
    {
        "features": {"MIL": "categorical"},
        "outputs": {"employed": "categorical", "probability": "numeric"},
        "detectors": {"drift": {"tolerance": 0.05}},
    }
)


class Served:
    """A classifier of the survey and the rows it has not seen in training."""

    def __init__(self) -> None:
        survey = survey_2015(fetch(FOLDER))
        order = np.random.RandomState(0).permutation(len(survey.employed))
        self.survey: Survey = survey.take(order)
        train = self.survey.take(np.arange(8000))
        self.model = HistGradientBoostingClassifier(max_iter=40, random_state=0)
        self.model.fit(_matrix(train), train.employed)

    def rows(self, chosen: NDArray[np.intp]) -> Columns:
        """A feature that hardly moves, and the model's answers."""
        people = self.survey.take(chosen)
        probability = self.model.predict_proba(_matrix(people))[:, 1]
        answers = column_of("employed", probability > 0.5), column_of("probability", probability)
        return Columns((people.people["MIL"], *answers))


def _matrix(survey: Survey) -> NDArray[np.float64]:
    columns = [survey.people[name].values.astype(str) for name in ("AGEP", "SCHL", "RELP", "DIS")]
    return np.array(columns).astype(float).T


@pytest.fixture(scope="module")
def served() -> Served:
    return Served()


@pytest.fixture(scope="module")
def fitted(served: Served) -> Fitted:
    return fit(served.rows(np.arange(8000, 28_000)), MODEL)


def judged(fitted: Fitted, rows: Columns) -> dict[str, ColumnFinding]:
    columns = fitted.judge(fitted.summarise(fitted.index(rows)), 1).columns
    return {column.column: column for column in columns}


def test_other_people_of_the_same_year_shift_no_prediction(served: Served, fitted: Fitted) -> None:
    for begin in range(28_000, 38_000, 1000):
        found = judged(fitted, served.rows(np.arange(begin, begin + 1000)))
        assert not any(column.drifted for column in found.values())


def test_a_shift_of_the_population_shows_in_predictions_and_probabilities(
    served: Served, fitted: Fitted
) -> None:
    """The retired come three times as often: their prediction moves, `MIL` hardly does."""
    ages = served.survey.people["AGEP"].values.astype(float)
    later = np.arange(28_000, len(ages))
    old, others = later[ages[later] >= 67][:400], later[ages[later] < 67][:600]
    found = judged(fitted, served.rows(np.concatenate([old, others])))

    assert found["probability"].method == "ks"
    assert found["employed"].method == "chi2"
    assert found["probability"].drifted
    assert found["employed"].drifted
    assert found["probability"].low > 0.05
    assert measures_of(found["probability"])["mean"].high < 0
