"""Models behind other people's servers are explained as they stand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from sidelight.config.settings import PredictorSettings, ShapleySettings
from sidelight.errors import PredictorError
from sidelight.predictors import open_predictor
from sidelight_explainers.background import Background
from sidelight_explainers.contract import Wish
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.shapley import Shapley
from tests import peers
from tests.explainers.games import contributions, numeric

WEIGHTS = np.array([1.0, -2.0, 0.5, 0.0])
BACKGROUND = np.random.default_rng(0).normal(size=(30, 4))
ROW = np.array([[0.5, -1.0, 2.0, 3.0]])
V1, V2 = "v1", "v2"


@pytest.fixture(scope="module")
def linear() -> Iterator[peers.Server]:
    with peers.kserve_server("linear", WEIGHTS.tolist(), 0.25) as server:
        yield server


@pytest.fixture(scope="module")
def income(tmp_path_factory: pytest.TempPathFactory) -> Iterator[peers.Server]:
    folder: Path = peers.sklearn_model(tmp_path_factory.mktemp("models") / "income")
    with peers.mlserver(folder) as server:
        yield server


def explained(model: str, url: str, **settings: Any) -> Explanation:
    predictor = open_predictor(model, PredictorSettings(url=url, **settings))
    assert predictor.ready()
    background = Background(numeric(BACKGROUND), len(BACKGROUND))
    try:
        return Shapley(model, predictor, background, ShapleySettings())(numeric(ROW), Wish())
    finally:
        predictor.close()


@pytest.mark.parametrize("protocol", [V1, V2])
def test_a_linear_model_behind_kserves_server_gives_its_closed_form(
    linear: peers.Server, protocol: Literal["v1", "v2"]
) -> None:
    explanation = explained("linear", linear.http, protocol=protocol, form="matrix")
    closed_form = WEIGHTS * (ROW[0] - BACKGROUND.mean(axis=0))
    np.testing.assert_allclose(contributions(explanation), closed_form, atol=1e-8)


@pytest.mark.parametrize("form", ["matrix", "columns"])
def test_a_classifier_behind_mlserver_adds_up(
    income: peers.Server, form: Literal["matrix", "columns"]
) -> None:
    explanation = explained("income", income.http, form=form)
    assert explanation.prediction in (0.0, 1.0)
    assert abs(explanation.additivity_gap) < 1e-9
    assert explanation.calls == 1


def test_mlservers_own_words_reach_the_error(income: peers.Server) -> None:
    predictor = open_predictor("nobody", PredictorSettings(url=income.http))
    assert not predictor.ready()
    with pytest.raises(PredictorError, match="answered 404: Model nobody not found") as caught:
        predictor(numeric(ROW))
    assert caught.value.status == 404
    predictor.close()
