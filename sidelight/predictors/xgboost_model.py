"""An XGBoost model from a ``.json`` or ``.ubj`` file, which holds no code to run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import ArtifactError, MissingExtra
from sidelight.predictors.boosted import BoostedPredictor, in_order, number_matrix
from sidelight.tensors import Columns

try:
    import xgboost
    from xgboost.core import XGBoostError
except ImportError as exc:
    raise MissingExtra(f"this model needs XGBoost ({exc}); run: pip install xgboost") from exc


def load_xgboost(name: str, content: bytes, features: tuple[str, ...]) -> XgboostPredictor:
    """The model in the bytes of a file that ``Booster.save_model`` wrote."""
    booster = xgboost.Booster()
    try:
        if not content.startswith(b"{"):  # XGBoost ends the process over some of these
            raise ValueError("it does not begin with a brace")
        booster.load_model(bytearray(content))
        learner = json.loads(booster.save_config())["learner"]
    except (XGBoostError, ValueError, KeyError) as exc:
        told = f"model {name!r} is not a readable XGBoost file: {_first_line(exc)}"
        raise ArtifactError(told) from exc
    if features and booster.num_features() != len(features):
        expected = booster.num_features()
        raise ArtifactError(f"model {name!r} takes {expected} features, {len(features)} are set")
    objective = str(learner["objective"]["name"])
    if objective == "multi:softmax":  # the same trees, but classes alone
        objective = "multi:softprob"
        booster.set_param({"objective": objective})
    return XgboostPredictor(name, booster, objective, features)


@dataclass(frozen=True)
class XgboostPredictor(BoostedPredictor):
    """Of a model that scikit-learn's interface stopped early, the best trees count."""

    PROBABILITIES = ("binary:logistic", "multi:softprob")

    def values(self, rows: Columns) -> NDArray[Any]:
        try:
            told = self.model.inplace_predict(self.table(rows), iteration_range=self._trees())
        except (XGBoostError, ValueError) as exc:
            raise self.refused(rows, _first_line(exc)) from exc
        return np.asarray(told)

    def table(self, rows: Columns) -> NDArray[np.float64]:
        """Rows as the model takes them: by name where it knows names, else by position."""
        return number_matrix(in_order(rows, tuple(self.model.feature_names or ())))

    def _trees(self) -> tuple[int, int]:
        told = self.model.attributes()
        stopped = "scikit_learn" in told and "best_iteration" in told
        return (0, int(told["best_iteration"]) + 1) if stopped else (0, 0)


def _first_line(exc: Exception) -> str:
    """Without the C++ stack that follows it."""
    return (str(exc).strip().splitlines() or [""])[0][:300]
