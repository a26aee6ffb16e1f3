"""Models of one text or one picture, explained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from sidelight.config.explaining.of_model import ModelExplainers
from sidelight.config.settings import ModelSettings
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Column, Columns
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.models import explained
from sidelight_explainers.subject import Subject
from sidelight_explainers.wishes import wish
from tests.explainers.serving import Floats


class Explain(Protocol):
    def __call__(self, value: Any, **wishes: Any) -> Explanation: ...


def of_texts(
    score: Callable[[str], float],
    method: str,
    reference: Sequence[str] | None = None,
    **options: Any,
) -> Explain:
    """``explain(text, **wishes)`` of a model that gives each text a number."""

    def answer(rows: Columns) -> Columns:
        return Columns((Column("y", np.array([score(one) for one in rows["words"].values])),))

    known = None if reference is None else Columns((_texts(reference),))
    return _explain({"words": "text"}, answer, method, options, known)


def of_pictures(
    score: Callable[[NDArray[Any]], Floats], method: str, feature: Any = "image", **options: Any
) -> Explain:
    """``explain(picture, **wishes)`` of a model that gives pictures (n, ...) numbers (n,)."""

    def answer(rows: Columns) -> Columns:
        return Columns((Column("y", np.asarray(score(rows["picture"].values), np.float64)),))

    return _explain({"picture": feature}, answer, method, options, None)


def row(name: str, value: Any) -> Columns:
    """One row of one value."""
    if isinstance(value, str):
        return Columns((_texts([value]),))
    return Columns((Column(name, np.asarray(value)[None]),))


def _texts(texts: Sequence[str]) -> Column:
    return Column("words", np.array(list(texts), object))


def _explain(
    features: dict[Literal["words", "picture"], Any],
    answer: Callable[[Columns], Columns],
    method: str,
    options: dict[str, Any],
    reference: Columns | None,
) -> Explain:
    explainers = ModelExplainers.model_validate({method: options})
    settings = ModelSettings.model_validate({"features": features})
    settings = settings.model_copy(update={"explainers": explainers})
    (feature,) = features
    subject = Subject("m", settings, (feature,), reference, reference)
    model = explained(subject, FunctionPredictor(answer))

    def explain(value: Any, **wishes: Any) -> Explanation:
        asked = wish(model, wishes, "")
        rows = value if isinstance(value, Columns) else row(feature, value)
        return model.explain(asked.method, asked.options, rows)

    return explain
