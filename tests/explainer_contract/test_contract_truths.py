"""What is true of the model must be true of its explanation."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
import pytest

from sidelight_explainers.contents.anchor import Anchor
from sidelight_explainers.contents.attributions import Attribution, Attributions
from sidelight_explainers.contents.content import Content
from sidelight_explainers.contents.counterfactual import Counterfactuals
from sidelight_explainers.contents.curves import Curves
from sidelight_explainers.contents.importances import Importances
from tests.explainer_contract.cases import CASES, Case, explain

TABULAR = [case for case in CASES if case.modality == "tabular"]
SHARING = [case for case in CASES if case.method == "shapley"]
of_tables = pytest.mark.parametrize("case", TABULAR, ids=str)

EXACT = 1e-12
"""Sums of floating point numbers in another order."""


@singledispatch
def effect(_content: Content, _feature: str) -> float | None:
    """How much the explanation says for sure that a feature matters, beyond its own interval; None
    where it says nothing of the feature."""
    return None


@effect.register
def _(content: Attributions, feature: str) -> float | None:
    share = _of(content, feature)
    return max(0.0, abs(share.contribution) - _half(share))


@effect.register
def _(content: Anchor, feature: str) -> float | None:
    return float(any(one.feature == feature for one in content.conditions))


@effect.register
def _(content: Counterfactuals, feature: str) -> float | None:
    changes = [change for one in content.counterfactuals for change in one.changes]
    return float(any(change.feature == feature for change in changes))


@effect.register
def _(content: Curves, feature: str) -> float | None:
    curve = next(one for one in content.curves if one.feature == feature)
    return float(np.ptp(curve.effects))


@effect.register
def _(content: Importances, feature: str) -> float | None:
    return abs(next(one for one in content.importances if one.feature == feature).importance)


@of_tables
def test_what_the_model_ignores_does_not_matter(case: Case) -> None:
    model = case.opened
    for at in range(3):
        content = explain(model, case.row(at)).content
        assert (effect(content, "idle") or 0.0) <= EXACT


@pytest.mark.parametrize("case", [case for case in SHARING if case in TABULAR], ids=str)
def test_what_plays_the_same_part_matters_alike(case: Case) -> None:
    content = explain(case.opened, case.row(0)).content
    assert isinstance(content, Attributions)
    one, other = _of(content, "left"), _of(content, "right")
    assert abs(one.contribution - other.contribution) <= _half(one) + _half(other) + EXACT


@pytest.mark.parametrize("case", SHARING, ids=str)
def test_shares_add_up_to_what_is_explained(case: Case) -> None:
    content = explain(case.opened, case.row(0)).content
    assert isinstance(content, Attributions)
    total = sum(one.contribution for one in content.attributions)
    assert total == pytest.approx(content.prediction - content.base_value, abs=1e-9)
    assert content.additivity_gap == pytest.approx(0, abs=1e-9)


def _of(content: Attributions, feature: str) -> Attribution:
    return next(one for one in content.attributions if one.feature == feature)


def _half(one: Any) -> float:
    return 0.0 if one.low is None or one.high is None else (one.high - one.low) / 2
