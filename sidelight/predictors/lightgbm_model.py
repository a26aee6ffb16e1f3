"""A LightGBM model from a ``.txt`` file, which holds no code to run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sidelight.errors import ArtifactError, MissingExtra, PredictorError
from sidelight.predictors.boosted import classified, in_order, number_matrix, predicted
from sidelight.predictors.spending import current
from sidelight.tensors import Columns

try:
    import lightgbm
    from lightgbm.basic import LightGBMError
except ImportError as exc:
    raise MissingExtra(f"this model needs LightGBM ({exc}); run: pip install lightgbm") from exc

PROBABILITIES = ("binary", "multiclass", "multiclassova")


def load_lightgbm(name: str, content: bytes, features: tuple[str, ...]) -> LightgbmPredictor:
    """The model in the bytes of a file that ``Booster.save_model`` wrote."""
    try:
        text = content.decode()
        booster = lightgbm.Booster(model_str=text)
    except (LightGBMError, ValueError) as exc:
        told = str(exc)[:300]
        raise ArtifactError(f"model {name!r} is not a readable LightGBM file: {told}") from exc
    expected = booster.num_feature()
    if features and expected != len(features):
        raise ArtifactError(f"model {name!r} takes {expected} features, {len(features)} are set")
    objective = re.search(r"^objective=(\S+)", text, re.MULTILINE)
    return LightgbmPredictor(name, booster, objective[1] if objective else "", features)


@dataclass(frozen=True)
class LightgbmPredictor:
    """A `Booster` as a `Predictor`.

    A classifier answers with `probability` (n, n_classes) and `label` (n,), anything else with
    `prediction`. Texts are what they were for pandas' categories when the model was trained.
    """

    name: str
    model: Any
    objective: str
    features: tuple[str, ...] = ()

    def __call__(self, rows: Columns) -> Columns:
        current().add(len(rows))
        ordered = rows.select(self.features) if self.features else rows
        try:
            values = self.model.predict(self.table(ordered))
        except (LightGBMError, ValueError, TypeError) as exc:
            told = f"model {self.name!r} refused {len(rows)} rows: {str(exc)[:300]}"
            raise PredictorError(told, status=400) from exc
        return classified(values) if self.objective in PROBABILITIES else predicted(values)

    def ready(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing to free."""

    def table(self, rows: Columns) -> Any:
        """Rows as the model takes them: by name where it knows names, else by position."""
        ordered = in_order(rows, tuple(self.model.feature_name()))
        if not self.model.pandas_categorical:
            return number_matrix(ordered)
        return pd.DataFrame(
            {
                column.name: pd.Categorical(column.values)
                if column.kind == "string"
                else number_matrix(Columns((column,)))[:, 0]
                for column in ordered
            }
        )
