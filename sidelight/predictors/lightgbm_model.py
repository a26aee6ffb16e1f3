"""A LightGBM model from a ``.txt`` file, which holds no code to run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sidelight.errors import ArtifactError, MissingExtra
from sidelight.predictors.boosted import BoostedPredictor, in_order, number_matrix
from sidelight.tensors import Columns

try:
    import lightgbm
    from lightgbm.basic import LightGBMError
except ImportError as exc:
    raise MissingExtra(f"this model needs LightGBM ({exc}); run: pip install lightgbm") from exc


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
class LightgbmPredictor(BoostedPredictor):
    """Texts are what they were for pandas' categories when the model was trained."""

    PROBABILITIES = ("binary", "multiclass", "multiclassova")

    def values(self, rows: Columns) -> NDArray[Any]:
        try:
            return np.asarray(self.model.predict(self.table(rows)))
        except (LightGBMError, ValueError, TypeError) as exc:
            raise self.refused(rows, str(exc)[:300]) from exc

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
