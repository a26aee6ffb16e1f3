"""The demo's model: gradient-boosted trees that say how likely a person is employed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import skops.io
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from sidelight.demo.data import FEATURES, Survey
from sidelight.tensors import Columns


def train(survey: Survey, seed: int) -> Pipeline:
    """A pipeline from an object array (n, 16) in the order of `FEATURES` to class probabilities."""
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    inputs = ColumnTransformer(
        [("age", "passthrough", [0]), ("codes", codes, list(range(1, len(FEATURES))))]
    )
    trees = HistGradientBoostingClassifier(random_state=seed)
    pipeline = make_pipeline(inputs, trees)
    pipeline.fit(matrix(survey.people), survey.employed)
    return pipeline


def matrix(people: Columns) -> NDArray[np.object_]:
    """People as the object array (n, 16) that the pipeline takes."""
    return np.column_stack([column.values.astype(object) for column in people])


def accuracy(pipeline: Pipeline, survey: Survey) -> float:
    """Share of people about whom the model is right, in [0, 1]."""
    return float(np.mean(pipeline.predict(matrix(survey.people)) == survey.employed))


def save(pipeline: Pipeline, path: Path) -> None:
    """Write the pipeline as a `.skops` file, which holds no code."""
    skops.io.dump(pipeline, path)
