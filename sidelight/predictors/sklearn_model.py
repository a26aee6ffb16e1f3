"""A scikit-learn model from a ``.skops`` file, which holds no code to run."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import skops.io
from numpy.typing import NDArray

from sidelight.errors import ArtifactError, PredictorError
from sidelight.predictors.spending import current
from sidelight.tensors import Column, Columns

UNREADABLE = (zipfile.BadZipFile, OSError, ValueError, TypeError, KeyError, ImportError)
HARMLESS = ("numpy.dtype",)
"""Types that skops itself does not trust, but that cannot do anything."""
REFUSED = (ValueError, TypeError, KeyError, AttributeError, IndexError)
"""What scikit-learn raises for rows that it cannot take."""


def load_skops(
    name: str, content: bytes, trusted: Sequence[str], features: tuple[str, ...]
) -> SklearnPredictor:
    """The model in a ``.skops`` file's bytes, if every type in it is trusted."""
    try:
        allowed = {*HARMLESS, *trusted}
        held = set(skops.io.get_untrusted_types(data=content))
        unknown = sorted(held - allowed)
        if not unknown:
            model = skops.io.loads(content, trusted=sorted(held))
    except UNREADABLE as exc:
        raise ArtifactError(f"model {name!r} is not a readable .skops file: {exc}") from exc
    if unknown:
        raise ArtifactError(
            f"model {name!r} holds types that are not trusted: {unknown}; if you know that they do"
            f" no harm, add them to models.{name}.predictor.trusted"
        )
    expected = getattr(model, "n_features_in_", len(features))
    if features and expected != len(features):
        raise ArtifactError(f"model {name!r} takes {expected} features, {len(features)} are set")
    return SklearnPredictor(name, model, features)


@dataclass(frozen=True)
class SklearnPredictor:
    """A fitted scikit-learn estimator as a `Predictor`.

    A classifier answers with `probability` (n, n_classes) and `label` (n,), the class that is most
    probable; anything else, or a classifier without probabilities, with `prediction`.
    """

    name: str
    model: Any
    features: tuple[str, ...] = ()

    def __call__(self, rows: Columns) -> Columns:
        current().add(len(rows))
        ordered = rows.select(self.features) if self.features else rows
        try:
            return self._answer(self.table(ordered))
        except REFUSED as exc:
            told = f"model {self.name!r} refused {len(rows)} rows: {exc}"
            raise PredictorError(told, status=400) from exc

    def ready(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing to free."""

    def table(self, rows: Columns) -> Any:
        """Rows as the model takes them: by name where it knows names, else by position."""
        known = getattr(self.model, "feature_names_in_", None)
        if known is None:
            return np.column_stack([_with_nulls(column) for column in rows])
        named = rows.select([str(one) for one in known])
        return pd.DataFrame({column.name: _with_nulls(column) for column in named})

    def _answer(self, table: Any) -> Columns:
        if not hasattr(self.model, "predict_proba"):
            return Columns((Column("prediction", np.asarray(self.model.predict(table))),))
        probability = np.asarray(self.model.predict_proba(table))
        labels = np.asarray(self.model.classes_)[probability.argmax(axis=1)]
        labels = labels.astype(object) if labels.dtype.kind == "U" else labels
        return Columns((Column("probability", probability), Column("label", labels)))


def _with_nulls(column: Column) -> NDArray[Any]:
    """The values as scikit-learn expects them: NaN for a null number, None for any other null."""
    if column.valid is None or column.valid.all():
        return column.values
    values = column.values.astype(float if column.kind == "number" else object)
    values[~column.valid] = np.nan if column.kind == "number" else None
    return values
